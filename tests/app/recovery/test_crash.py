"""A window that really crashes, and the start after it: what is said, and what a report gives away."""

import json
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path

import pytest

_BEGIN = """
import asyncio, json, os, signal, sys
from pathlib import Path
import app.main as m
home, canary = Path(sys.argv[1]), sys.argv[2]
opened = m.App.open
def open_then(self):
    opened(self)
    self._tasks.start(then(self), name="test")
async def until(is_true):
    while not is_true():
        await asyncio.sleep(0.01)
m.App.open = open_then
"""
_END = """
from app.__main__ import main
sys.exit(main(["--home", str(home)]))
"""


def start(home: Path, then: str, canary: str = "", *, env: dict[str, str] | None = None):
    """Run the window in a process of its own; `then` is the body of a coroutine of it, once the engine is open."""
    body = "".join(f"    {line}\n" for line in then.strip().splitlines())
    program = f"{_BEGIN}\nasync def then(app):\n{body}\n{_END}"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **(env or {})}
    command = [sys.executable, "-c", program, str(home), canary]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)


def notice_of_next_start(home: Path) -> str:
    """What the next start says above the pages."""
    ended = start(home, "print(app.window.notice.message)\napp.window.close()")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.long
def test_a_window_that_was_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    assert start(tmp_path, "app.window.close()").returncode == 0
    assert list((tmp_path / "run").glob("window-*.open*")) == []
    assert notice_of_next_start(tmp_path) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind do not exist there")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("os.abort()", "Hearth crashed the last time, in native code (Aborted)."),
        ("os.kill(os.getpid(), signal.SIGTERM)", ""),
        *(
            pytest.param(how, words, marks=pytest.mark.long)
            for how, words in (
                ("import ctypes; ctypes.string_at(0)", "Hearth crashed the last time, in native code (Segmentation"),
                ("os.kill(os.getpid(), signal.SIGKILL)", "Hearth ended unexpectedly the last time."),
                ("os.kill(os.getpid(), signal.SIGHUP)", ""),
                ("os.kill(os.getpid(), signal.SIGINT)", ""),
            )
        ),
    ],
)
def test_the_next_start_says_once_how_it_ended(tmp_path: Path, how: str, words: str) -> None:
    start(tmp_path, how)
    said = notice_of_next_start(tmp_path)
    assert said.startswith(words) if words else said == ""
    assert list((tmp_path / "run").glob("window-*.open*")) == []


def test_an_error_that_nobody_handles_is_named(tmp_path: Path) -> None:
    program = f"""
import app.main as m
async def fail(qt, options):
    raise LookupError("a prompt")
m.run_app = fail
from app.__main__ import main
main(["--home", {str(tmp_path)!r}])
"""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    assert subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, timeout=60).returncode == 1
    assert notice_of_next_start(tmp_path).startswith("An unexpected error (LookupError) ended Hearth the last time.")


_WORK = """
from PySide6.QtGui import QImage
await until(lambda: app.recognize.models and app.chat.choices.current)
picture = home.parent / f"{canary} in the garden.png"
image = QImage(64, 64, QImage.Format.Format_RGB32)
image.fill(0xffffffff)
assert image.save(str(picture))
broken = home.parent / f"{canary}.jpg"
broken.write_bytes(b"no picture")
app.recognize.add_files([picture, broken, home.parent / f"gone {canary}.png"])
app._engine.set_hub_token(f"hf_{canary}")
app.chat.send(f"Say {canary}")
await until(lambda: app.chat.session.last is not None and not app.chat.session.is_busy)
await until(lambda: app.recognize.progress[0] == 3)
os.abort()
"""
_REPORT = """
import logging
import app.recovery.notice as notice
picture = home.parent / "my pictures" / f"{canary} b.jpg"
for error in (ValueError(f"{canary} is no date"), OSError(2, "No such file", str(picture)), LookupError("a", canary)):
    app._on_error(error)
logging.getLogger("engine.x").warning("%s cannot be read: %s", picture, OSError(2, "No such file", str(picture)))
logging.getLogger("engine.x").warning("https://a:hf_%s@b.example/%s?token=%s fails", canary, canary, canary)
logging.getLogger("engine.x").warning("one line\\nand %s in the next", canary)
async def doctor(data):
    return {"versions": {"hearth": "1"}, "models": [{"id": canary}], "folders": [{"role": "home", "path": canary}],
            "broken": [{"path": canary}], "problems": [f"The folder {home.parent / canary} cannot be written."]}
notice.ask_doctor = doctor
buttons = (app.window.notice._button, app.window.notice._other, app.window.notice._third)
print([button.text() for button in buttons])
app.window.notice._other.click()
dialog = app.upkeep.crash.dialog
await until(lambda: dialog.yes_button.isEnabled())
names = [dialog.names.item(row).text() for row in range(dialog.names.count())]
print(names)
dialog.save_wanted.emit(str(home / "report.zip"))
await until((home / "report.zip").exists)
await until(lambda: "saved" in dialog._words.text())
dialog.close()
app.window.close()
"""


@pytest.mark.models
@pytest.mark.skipif(sys.platform == "win32", reason="a crash of this kind ends differently there")
def test_a_report_and_the_logs_give_away_nothing_of_a_person(tmp_path: Path) -> None:
    home, canary = tmp_path / "home", str(uuid.uuid4())
    no_keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "HOME": str(tmp_path)}
    crashed = start(home, _WORK, canary, env=no_keyring)
    assert crashed.returncode == -signal.SIGABRT, crashed.stderr[-2000:]
    logs = "".join(path.read_text(encoding="utf-8") for path in (home / "logs").iterdir())
    assert "Aborted" in logs
    assert canary not in logs
    ended = start(home, _REPORT, canary, env=no_keyring)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "Show the log…', 'Save a report…', 'Start in safe mode" in ended.stdout
    with zipfile.ZipFile(home / "report.zip") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(parts) >= {"README.txt", "crash.json", "machine.json", "crash.log", "hearth.log"}
    assert all(name in ended.stdout for name in parts)
    crash = json.loads(parts["crash.json"])
    assert (crash["kind"], crash["detail"]) == ("native", "Aborted")
    assert "Aborted" in parts["crash.log"]
    assert canary in (home / "logs" / "hearth.log").read_text(encoding="utf-8"), (
        "or there would be nothing to leave out"
    )
    assert "ERROR MainThread app.main: A task failed" in parts["hearth.log"]
    assert "ValueError: [left out]" in parts["hearth.log"]
    assert "b.example fails" in parts["hearth.log"]
    for name, text in parts.items():
        assert canary not in text, name
        assert canary[:13] not in text, name
        assert str(tmp_path) not in text, name
