"""Portable mode: everything beside the program, nothing elsewhere; real programs of a checkout made of links."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engine import portable
from engine.config import default_home
from engine.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
WINDOW = """
import sys
import app.main
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog
opened = app.main.App.open
def look_and_leave(self):
    opened(self)
    dialog = QFileDialog(self.window)
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.deleteLater()
    QTimer.singleShot(300, self.window.close)
app.main.App.open = look_and_leave
from app.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like Hearth's sources, and a person's empty home beside it."""
    for name in ("engine", "app", "plugins", "resources"):
        (tmp_path / "program" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "program" / name).symlink_to(ROOT / name)
    (tmp_path / "person").mkdir()
    return tmp_path / "program"


def run(checkout: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    hidden = ("XDG_", "HEARTH_HOME", "FONTCONFIG", "MESA_", "CUDA_", "__GL")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    person = str(checkout.parent / "person")
    env |= {"HOME": person, "USERPROFILE": person, "LOCALAPPDATA": person, "APPDATA": person}
    env |= {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", **more}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=100, check=False)


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that portable mode uses; nothing of this process's environment changes for good."""
    monkeypatch.delenv("HEARTH_HOME", raising=False)
    monkeypatch.setattr(portable, "program_folder", lambda: tmp_path)
    for name in (*portable._CACHES, "FONTCONFIG_FILE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path / "hearth-data"


def test_the_folder_is_used_once_it_is_there(beside: Path):
    assert not portable.use_portable_home(wanted=False)
    assert default_home() != beside
    assert portable.use_portable_home(wanted=True)
    assert stat.S_IMODE(beside.stat().st_mode) == 0o700
    assert portable.use_portable_home(wanted=False)
    assert default_home() == beside
    assert portable.is_portable(beside)
    assert not portable.is_portable(beside.parent)


def test_a_data_folder_that_was_named_comes_first(beside: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path / "named"))
    assert not portable.use_portable_home(wanted=True)
    assert not beside.exists()
    beside.mkdir()
    assert default_home() == tmp_path / "named"


def test_caches_of_drivers_and_fonts_go_there_unless_somebody_said_where(beside: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_CACHE_PATH", "/mine")
    portable.use_portable_home(wanted=True)
    portable.use_portable_home(wanted=False)  # a command becomes the window: the same again
    assert os.environ["CUDA_CACHE_PATH"] == "/mine"
    assert os.environ["MESA_SHADER_CACHE_DIR"] == str(beside / "cache" / "system" / "mesa")
    if sys.platform == "linux":
        text = Path(os.environ["FONTCONFIG_FILE"]).read_text(encoding="utf-8")
        assert f"<cachedir>{beside}/cache/system/fonts</cachedir>" in text
        assert "/etc/fonts/fonts.conf</include>" in text


@pytest.mark.parametrize("wanted", [True, False])
def test_a_folder_that_cannot_be_written_is_one_clear_error(beside: Path, monkeypatch: pytest.MonkeyPatch, wanted):
    beside.mkdir()

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(portable.tempfile, "TemporaryFile", refuse)  # tests may run as root, who may write anywhere
    with pytest.raises(ConfigError, match=r"hearth-data, which cannot be written: Permission denied\."):
        portable.use_portable_home(wanted)


def test_a_program_whose_folder_cannot_be_made_says_so_and_fails(checkout: Path):
    (checkout / "hearth-data").symlink_to("/proc/nothing")
    for module in ("engine", "app"):
        ended = run(checkout, "-m", module, "--portable", *(["cache"] if module == "engine" else []))
        assert ended.returncode == 1
        assert f"Portable mode keeps everything in {checkout / 'hearth-data'}, which cannot" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("executable", "folder"),
    [
        ("opt/hearth/hearth", "opt/hearth"),
        ("Applications/Hearth.app/Contents/MacOS/hearth", "Applications"),
        ("MacOS/hearth", "MacOS"),
    ],
)
def test_a_frozen_program_keeps_it_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str, folder: str
):
    program = tmp_path / executable
    program.parent.mkdir(parents=True)
    program.touch()
    (tmp_path / "link").symlink_to(program)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "link"))
    assert portable.program_folder() == (tmp_path / folder).resolve()


@pytest.mark.models
def test_a_portable_demo_writes_nothing_outside(checkout: Path):
    ended = run(checkout, "-m", "engine", "--portable", "demo")
    assert ended.returncode == 0, ended.stderr
    assert written(checkout.parent / "person") == []
    assert (checkout / "hearth-data" / "library.db").is_file()
    outside = {path.name for path in checkout.iterdir()} - {"engine", "app", "plugins", "resources"}
    assert outside == {"hearth-data"}


def test_a_portable_window_writes_nothing_outside(checkout: Path):
    (checkout / "hearth-data").mkdir()  # as an earlier start has made it
    ended = run(checkout, "-c", WINDOW)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert written(checkout.parent / "person") == []
    assert (checkout / "hearth-data" / "window.toml").is_file()
    if sys.platform == "linux":
        assert (checkout / "hearth-data" / "cache" / "system" / "QtProject.conf").is_file()
