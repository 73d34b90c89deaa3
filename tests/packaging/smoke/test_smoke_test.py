import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from smoke.program import Program

SCRIPT = Path(__file__).resolve().parents[3] / "packaging" / "smoke_test.py"


def smoke_test(*arguments: object, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


def test_a_program_without_a_window_fails(program: Program, tmp_path: Path):
    program.path.write_text(
        program.path.read_text(encoding="utf-8").replace("exec sleep 60", "exit 5"), encoding="utf-8"
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "kill"):
        (tools / name).symlink_to(f"/bin/{name}")
    ended = smoke_test("--program", program.path, "--json", "--times", 0, path=str(tools))
    said = json.loads(ended.stdout)
    assert ended.returncode == 1
    failed = [check for check in said["checks"] if check["outcome"] == "failed"]
    assert [check["name"] for check in failed] == ["the window"]
    assert "apt-get install xvfb" in failed[0]["detail"]
    assert said["checks"][-1]["name"] == "nothing was written beside it"


@pytest.mark.parametrize(
    "arguments", [(), ("--program", "/nowhere"), ("--program", sys.executable, "--against-source=/no")]
)
def test_wrong_use_is_told_apart(arguments: tuple[str, ...]):
    assert smoke_test(*arguments).returncode == 2
