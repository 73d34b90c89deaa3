"""What a terminal shows while something takes long."""

import sys
import time

import pytest

from engine.background import JobUnit
from engine.cli.progress import LoadingLine, WorkLine, watched
from engine.jobs import JobControl

CLEARED = "\r\x1b[K"


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)


def test_work_is_shown_and_taken_away(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch)

    def work(control: JobControl) -> int:
        control.tell(250, 1000, "Making \x1b]0;it\x07 small", JobUnit.STEPS)
        return 7

    assert watched(work) == 7
    assert capsys.readouterr().err == f"{CLEARED}{'█' * 8}{'░' * 22}  25%  Making ]0;it small {CLEARED}"


def test_the_line_goes_when_the_work_fails(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch)

    def work(control: JobControl) -> None:
        control.tell(0, 0, "Looking")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        watched(work)
    assert capsys.readouterr().err == f"{CLEARED}{'░' * 30}   0%  Looking {CLEARED}"


def test_bytes_have_a_speed_and_an_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch)
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    line = WorkLine()
    line.show(0, 4_000_000, JobUnit.BYTES, "a.gguf")
    now_s = 101.0
    line.show(1_000_000, 4_000_000, JobUnit.BYTES, "a.gguf")
    assert capsys.readouterr().err.endswith(" 25%  1.0 MB of 4.0 MB, 1.0 MB/s, 3 s left, a.gguf ")


def test_where_there_is_no_terminal_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    loading = LoadingLine()
    loading.show(0.5)
    loading.clear()
    watched(lambda control: control.tell(1, 2, "Looking"))
    assert capsys.readouterr().err == ""


def test_loading(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch)
    line = LoadingLine()
    line.show(0.5)
    line.clear()
    line.clear()
    assert capsys.readouterr().err == f"{CLEARED}Loading the model:  50% {CLEARED}"
