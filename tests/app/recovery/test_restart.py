"""Starting again once this process has ended everything."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
from app.recovery.restart import start_at_exit
out = sys.argv[1]
start_at_exit([sys.executable, "-c", f"import pathlib; pathlib.Path({out!r}).write_text('after')"])
Path(out + ".before").write_text("the first one is still there")
assert not Path(out).exists()
"""


def wait_for(path: Path, within_s: float) -> bool:
    until_s = time.monotonic() + within_s
    while not path.exists() and time.monotonic() < until_s:
        time.sleep(0.02)
    return path.exists()


def test_the_other_one_is_started_when_this_one_ends(tmp_path: Path) -> None:
    out = tmp_path / "out"
    subprocess.run([sys.executable, "-c", PROGRAM, str(out)], check=True, timeout=60)
    assert (tmp_path / "out.before").exists()
    assert wait_for(out, 30)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot end the second one there")
def test_a_window_really_comes_back_in_safe_mode(tmp_path: Path) -> None:
    program = f"""
import sys
import app.main as m
opened = m.App.open
def open_then(self):
    opened(self)
    self.upkeep.start_safely()
m.App.open = open_then
from app.__main__ import main
sys.exit(main(["--home", {str(tmp_path)!r}]))
"""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=60)
    until_s = time.monotonic() + 60
    found: list[Path] = []
    while not found and time.monotonic() < until_s:
        time.sleep(0.1)
        found = list((tmp_path / "run").glob("window-*.open"))
    (marker,) = found
    process = int(marker.stem.removeprefix("window-"))
    command = Path(f"/proc/{process}/cmdline")
    if command.exists():
        assert b"--safe" in command.read_bytes().split(b"\0")
    time.sleep(3)  # until its signals are looked after
    os.kill(process, signal.SIGTERM)
    while marker.exists() and time.monotonic() < until_s:
        time.sleep(0.1)
    assert not marker.exists()
