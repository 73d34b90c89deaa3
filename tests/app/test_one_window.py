"""One window per data folder, with real processes and real sockets."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.one_window import Answer, Handover, OnlyWindow, WindowBusyError, _ask, enter
from engine.control import run_files
from engine.control.channel import connect

NOTHING = Handover()
ROOT = Path(__file__).resolve().parents[2]
# Becomes the window, if it is the first; says what it was handed until it is ended.
FIRST = """
import asyncio, sys
from pathlib import Path
from app.one_window import Handover, enter
async def main():
    place = enter(Path(sys.argv[1]), Handover.of(tuple(map(Path, sys.argv[2:]))))
    if place is None:
        print("handed over", flush=True)
        return
    place.attach(asyncio.get_running_loop(), lambda handover: print("got", *handover.files, flush=True))
    print("window", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    place.close()
asyncio.run(main())
"""


@contextmanager
def first_start(home: Path) -> "Iterator[subprocess.Popen[str]]":
    with start(home) as process:
        assert process.stdout.readline() == "window\n"
        try:
            yield process
        finally:
            process.kill()


def start(home: Path, *files: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", FIRST, str(home), *map(str, files)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def loop_running() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_second_start_hands_over_its_files_and_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DESKTOP_STARTUP_ID", "old")
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "new")
    odd = tmp_path / os.fsdecode(b"caf\xe9.gguf")  # no UTF-8
    taken: list[Handover] = []
    with loop_running() as loop, enter(tmp_path, NOTHING) as place:
        place.attach(loop, taken.append)
        assert enter(tmp_path, Handover.of((tmp_path / "a b.gguf", odd))) is None
    assert [handover.files for handover in taken] == [(tmp_path / "a b.gguf", odd)]
    assert taken[0].token == "new"


def test_what_arrives_before_the_window_is_built_is_kept_for_it(tmp_path: Path):
    taken: list[Handover] = []
    with loop_running() as loop, enter(tmp_path, NOTHING) as place:
        assert enter(tmp_path, Handover(names=(b"/early",))) is None
        place.attach(loop, taken.append)
        assert enter(tmp_path, Handover(names=(b"/late",))) is None
    assert [handover.files for handover in taken] == [(Path("/early"),), (Path("/late"),)]


def test_another_data_folder_has_a_window_of_its_own(tmp_path: Path):
    with enter(tmp_path / "one", NOTHING), enter(tmp_path / "two", NOTHING) as other:
        assert other.file.is_file()


def test_the_place_is_free_again_when_the_window_has_gone(tmp_path: Path):
    for _ in range(3):
        place = enter(tmp_path, NOTHING)
        address = Path(run_files.msgspec.json.decode(place.file.read_bytes(), type=run_files.RunFile).address)
        place.close()
        place.close()
        assert not place.file.exists()
        assert not address.exists()
    assert [t.name for t in threading.enumerate() if t.name == "hearth-second-start" and t.is_alive()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_window_that_was_killed_does_not_stand_in_the_way(tmp_path: Path):
    with first_start(tmp_path) as process:
        content = run_files.msgspec.json.decode((tmp_path / "run" / "window").read_bytes(), type=run_files.RunFile)
        assert Path(content.address).exists()
        process.kill()
        process.wait()
        began = time.monotonic()
        with enter(tmp_path, NOTHING) as place:
            assert time.monotonic() - began < 2
            assert not Path(content.address).parent.exists(), "the socket of the killed one is left"
            assert place.file.stat().st_mode & 0o077 == 0


def test_of_starts_at_the_same_moment_exactly_one_becomes_the_window(tmp_path: Path):
    many = [start(tmp_path, tmp_path / str(number)) for number in range(4)]
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda process: process.stdout.readline().strip(), many))
    assert sorted(said) == ["handed over"] * 3 + ["window"]
    window = said.index("window")
    rest, _ = many[window].communicate("", timeout=20)
    assert sorted(rest.split("\n")[:-1]) == [f"got {tmp_path / str(n)}" for n in range(4) if n != window]
    for process in many:
        process.communicate(timeout=20)
        assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP there")
def test_a_window_that_hangs_is_told_in_one_sentence(tmp_path: Path):
    with first_start(tmp_path) as process:
        os.kill(process.pid, signal.SIGSTOP)
        second = [sys.executable, "-m", "app", "--home", str(tmp_path)]
        result = subprocess.run(second, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
        assert result.returncode == 1
        assert result.stderr.startswith("hearth: Hearth runs already, but does not answer. ")
        os.kill(process.pid, signal.SIGCONT)
        assert enter(tmp_path, NOTHING) is None


def test_a_window_whose_loop_stands_still_does_not_answer_and_opens_nothing_later(tmp_path: Path):
    taken: list[Handover] = []
    loop = asyncio.new_event_loop()
    with enter(tmp_path, NOTHING) as place:
        place.attach(loop, taken.append)
        with pytest.raises(WindowBusyError, match="does not answer"):
            enter(tmp_path, NOTHING, answer_s=0.3)
    loop.close()
    assert taken == []


def test_a_start_while_the_window_closes_waits_and_becomes_the_window(tmp_path: Path):
    place = enter(tmp_path, NOTHING)
    place.leave()
    with ThreadPoolExecutor() as pool:
        second = pool.submit(enter, tmp_path, NOTHING, 0.3)
        assert _ask(place.file, NOTHING, 5) is Answer.CLOSING
        time.sleep(0.5)  # longer than a window may take to answer
        assert not second.done()
        place.close()
        with second.result(10) as other:
            assert isinstance(other, OnlyWindow)


def test_who_does_not_know_the_key_is_not_heard(tmp_path: Path):
    taken: list[Handover] = []
    with loop_running() as loop, enter(tmp_path, NOTHING) as place:
        place.attach(loop, taken.append)
        content = run_files.msgspec.json.decode(place.file.read_bytes(), type=run_files.RunFile)
        with connect(content.address, 2) as stranger:
            stranger.recv_bytes()  # the challenge
            stranger.send_bytes(b"let me in")
            with pytest.raises((EOFError, OSError)):
                stranger.recv_bytes() == b"#FAILURE#" and stranger.recv_bytes()
        assert enter(tmp_path, NOTHING) is None, "others are served all the same"
    assert len(taken) == 1


def test_a_folder_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path):
    (tmp_path / "run").touch()
    with pytest.raises(OSError):
        enter(tmp_path, NOTHING)


def test_a_second_start_touches_neither_qt_nor_the_engine(tmp_path: Path):
    program = (
        "import sys; from app.__main__ import main; code = main(sys.argv[1:]); "
        "heavy = {'PySide6', 'engine.engine', 'numpy', 'llama_cpp', 'onnxruntime', 'qasync'}; "
        "print(code, sorted(heavy & sys.modules.keys()))"
    )
    taken: list[Handover] = []
    with loop_running() as loop, enter(tmp_path, NOTHING) as place:
        place.attach(loop, taken.append)
        command = [sys.executable, "-c", program, "--home", str(tmp_path), "--safe", "a.gguf", "file:///b%20c.png"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        result = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert result.stdout == "0 []\n"
    assert result.stderr == "hearth: Hearth is open already; other options than files count when it starts anew.\n"
    assert [handover.files for handover in taken] == [(tmp_path / "a.gguf", Path("/b c.png").absolute())]
