"""ONNX Runtime tells nobody anything and leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
LOAD = """
import sys
from pathlib import Path
from engine.backends.base import LoadOptions
from engine.backends.onnx import OnnxBackend
from engine.models.onnx import describe
OnnxBackend(None).load(describe(Path(sys.argv[1]), "test"), LoadOptions(), lambda _: True).close()
"""


@pytest.mark.parametrize(
    "program", [LOAD, "import engine.backends.onnx.devices", "import engine.backends.onnx.quantizing"]
)
def test_a_process_that_uses_onnx_runtime_writes_nothing_into_the_home_folder(colour_model, tmp_path, program: str):
    home = tmp_path / "person"
    home.mkdir()
    hidden = ("XDG_", "ORT_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    folders = {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", program, str(colour_model())]
    subprocess.run(command, cwd=ROOT, env=env | folders, check=True, timeout=60)
    assert [path for path in home.rglob("*") if path.is_file()] == []
