"""The marker of an open window: who left one behind, and what that means."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import app.recovery.marker as marking
from app.recovery.ending import EndKind
from app.recovery.marker import RunMarker, collect
from engine import ConfigError

PROGRAM = """
import sys, time
from pathlib import Path
from app.recovery.marker import RunMarker
with RunMarker(Path(sys.argv[1]), "1.2.3") as marker:
    print("open", flush=True)
    sys.stdin.read()
"""


def markers(home: Path) -> list[Path]:
    return list((home / "run").glob("window-*"))


@pytest.fixture
def window(tmp_path: Path):
    """A process that holds a marker."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()  # type: ignore[union-attr]
    process.stdout.close()


def left_behind(home: Path, **changes: object) -> None:
    """A marker as a process leaves it that is gone."""
    marker = RunMarker(home, "1.2.3")
    with marker:
        text = json.loads(marker._path.read_text())
    (home / "run" / "window-1.open").write_text(json.dumps({**text, **changes}))


def log_of(home: Path, name: str, text: str) -> None:
    (home / "logs").mkdir(exist_ok=True)
    with (home / "logs" / name).open("a") as file:
        file.write(text)


def test_the_marker_is_there_while_the_window_is_open_and_private(tmp_path: Path) -> None:
    with RunMarker(tmp_path, "1") as marker:
        assert marker.ending is None
        assert len(markers(tmp_path)) == 2
        if os.name == "posix":
            assert (tmp_path / "run").stat().st_mode & 0o077 == 0
            assert marker._path.stat().st_mode & 0o077 == 0
    assert markers(tmp_path) == []


def test_an_open_window_is_no_crash_to_a_second_one(tmp_path: Path, window: subprocess.Popen[bytes]) -> None:
    with RunMarker(tmp_path, "1") as second:
        assert second.ending is None
    assert len(markers(tmp_path)) == 2, "the first one's is still there"
    window.kill()
    window.wait()
    with RunMarker(tmp_path, "1") as third:
        assert third.ending is not None
        assert third.ending.kind is EndKind.UNKNOWN
        assert third.ending.version == "1.2.3"
        assert abs(third.ending.started_at - time.time()) < 100
    with RunMarker(tmp_path, "1") as fourth:
        assert fourth.ending is None, "it is said once"


def test_the_number_of_a_process_that_lives_again_does_not_hide_a_crash(tmp_path: Path) -> None:
    left_behind(tmp_path)
    (tmp_path / "run" / "window-1.open").replace(tmp_path / "run" / f"window-{os.getpid()}.open")
    ending = collect(tmp_path)
    assert ending is not None


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("Fatal Python error: Segmentation fault\n\nThread 0x1:\n", "Segmentation fault"),
        ("Windows fatal exception: access violation\n\n", "access violation"),
    ],
)
def test_a_fault_that_python_noted_is_named_and_only_that_of_the_last_time(
    tmp_path: Path, fault: str, detail: str
) -> None:
    log_of(tmp_path, "crash.log", "Fatal Python error: Bus error\n")
    left_behind(tmp_path)
    ending = collect(tmp_path)
    assert ending is not None
    assert ending.kind is EndKind.UNKNOWN
    left_behind(tmp_path)
    log_of(tmp_path, "crash.log", fault)
    ending = collect(tmp_path)
    assert ending is not None
    assert (ending.kind, ending.detail) == (EndKind.NATIVE, detail)


def test_an_end_that_was_asked_for_is_none_however_it_went_on(tmp_path: Path) -> None:
    left_behind(tmp_path, ended="asked")
    assert collect(tmp_path) is None
    marker = RunMarker(tmp_path, "1")
    with marker:
        marker.leave()
        assert json.loads(marker._path.read_text())["ended"] == "asked"


def test_a_restart_of_the_system_is_none(tmp_path: Path) -> None:
    left_behind(tmp_path, boot="another")
    assert collect(tmp_path) is None


def test_clocks_that_are_set_right_are_no_restart() -> None:
    assert marking._is_same_boot(1000.0, 1060.0)
    assert not marking._is_same_boot(1000.0, 9000.0)
    assert not marking._is_same_boot("a", 9000.0)


@pytest.mark.parametrize(
    "system",
    [
        "X11 connection broke (error 1). Did the X11 server die?",
        "Wayland connection broke. Did the Wayland compositor die?",
    ],
)
def test_the_end_of_the_desktop_is_none(tmp_path: Path, system: str) -> None:
    left_behind(tmp_path)
    log_of(tmp_path, "hearth.log", f"2026-01-01 00:00:00,000 INFO x y: z\n2026 WARNING MainThread qt: The {system}\n")
    assert collect(tmp_path) is None
    left_behind(tmp_path)
    log_of(tmp_path, "hearth.log", "2026-01-01 00:00:00,000 INFO x y: later\n")
    assert collect(tmp_path) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
def test_memory_that_ran_out_is_told_from_other_ends(tmp_path: Path) -> None:
    left_behind(tmp_path, oom_kills=-1)
    ending = collect(tmp_path)
    assert ending is not None
    assert ending.kind is EndKind.MEMORY
    assert "memory had run out" in ending.sentence


def test_an_error_that_nobody_handled_is_named_and_one_that_is_told_calmly_is_none(tmp_path: Path) -> None:
    with pytest.raises(LookupError), RunMarker(tmp_path, "1"):
        raise LookupError("a prompt")
    ending = collect(tmp_path)
    assert ending is not None
    assert (ending.kind, ending.detail) == (EndKind.ERROR, "LookupError")
    for error in (ConfigError("No."), OSError("full"), KeyboardInterrupt(), SystemExit(1)):
        with pytest.raises(type(error)), RunMarker(tmp_path, "1"):
            raise error
        assert collect(tmp_path) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b'{"crash_bytes": 1e400}', b'{"ended": ["x"]}', b"[" * 5000]
)
def test_a_damaged_marker_is_an_end_that_nobody_knows_more_of(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "window-1.open").write_bytes(content)
    assert collect(tmp_path) is not None
    assert markers(tmp_path) == []


def test_without_a_place_for_it_the_window_opens_all_the_same(tmp_path: Path, caplog) -> None:
    (tmp_path / "run").write_text("a file")
    with RunMarker(tmp_path, "1") as marker:
        marker.leave()
        assert marker.ending is None
    assert "will not be noticed" in caplog.text
