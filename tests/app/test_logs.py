"""The log file: private, complete, and put away afterwards."""

import logging
import stat
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import qWarning

from app.logs import logging_to


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def test_messages_arrive_in_a_file_that_only_its_owner_reads(folder: Path):
    with logging_to(folder) as path:
        logging.getLogger("app.somewhere").info("hello")
        logging.getLogger("app.somewhere").debug("a prompt")
    text = path.read_text(encoding="utf-8")
    assert "hello" in text
    assert "a prompt" not in text
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_qt_says_is_logged(folder: Path, qtlog):
    with logging_to(folder) as path:
        qWarning("a wire is loose")
    assert "WARNING" in path.read_text(encoding="utf-8")
    assert "a wire is loose" in path.read_text(encoding="utf-8")


def test_unhandled_errors_are_logged(folder: Path, capsys):
    with logging_to(folder) as path:
        try:
            raise ValueError("lost")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    assert "ValueError: lost" in path.read_text(encoding="utf-8")
    assert "ValueError: lost" in capsys.readouterr().err


def test_unhandled_errors_of_threads_are_logged(folder: Path, capsys):
    def fail() -> None:
        raise ValueError("lost in a thread")

    with logging_to(folder) as path:
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    assert "lost in a thread" in path.read_text(encoding="utf-8")


def test_everything_is_put_back(folder: Path):
    before = sys.excepthook, threading.excepthook, logging.getLogger().level, list(logging.getLogger().handlers)
    with logging_to(folder):
        assert sys.excepthook is not before[0]
    assert (sys.excepthook, threading.excepthook, logging.getLogger().level, logging.getLogger().handlers) == before


def test_the_file_does_not_grow_for_ever(folder: Path):
    with logging_to(folder):
        log = logging.getLogger("app.noise")
        line = "x" * 10_000
        for _ in range(700):
            log.warning(line)
    assert len(list(folder.glob("hearth.log*"))) == 4
    assert sum(file.stat().st_size for file in folder.glob("hearth.log*")) < 5 << 20
