"""ONNX Runtime tells nobody anything and leaves nothing behind."""

import ast
import json
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


def test_whatever_uses_onnx_runtime_tells_it_to_report_nothing():
    """On Windows it would hand events to the system; the older one there knows no variable against it."""
    folder = ROOT / "engine/backends/onnx"
    users = []
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if any(name.split(".")[0] == "onnxruntime" for name in named) or "engine.backends.onnx.runtime" in named:
            users.append(f"engine.backends.onnx.{path.stem}")
    assert len(users) > 5
    users.remove("engine.backends.onnx.quantizing")  # loads for seconds, and comes to `session`, which is asked
    program = """
import importlib, json, sys
import onnxruntime
told = []
onnxruntime.disable_telemetry_events = lambda: told.append(True)
deaf = []
for user in sys.argv[1:]:
    for name in [name for name in sys.modules if name.startswith("engine.backends")]:
        del sys.modules[name]
    told.clear()
    importlib.import_module(user)
    deaf += [] if told else [user]
print(json.dumps(deaf))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, *users], cwd=ROOT, check=True, timeout=60, capture_output=True, text=True
    )
    assert json.loads(ended.stdout) == []
