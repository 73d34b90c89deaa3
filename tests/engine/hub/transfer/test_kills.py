"""Downloads over the end of programs: killed at any moment, closed, paused in one and resumed in the next."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.background import BackgroundJob, JobKind, JobState
from engine.errors import HubError
from engine.jobs import JobBoard
from tests.engine.hub.bad_server import Bad, BadServer
from tests.engine.hub.transfer import child
from tests.engine.hub.transfer.downloading import MIB, Downloads, noise, spec_of

NAME = "model.gguf"


def start(server: BadServer, home: Path, *more: str) -> "subprocess.Popen[str]":
    """Begin a program that downloads, or goes on with that."""
    about = [server.url(NAME), NAME, str(len(server.files[NAME])), server.digests[NAME], *more]
    program = [sys.executable, "-m", "tests.engine.hub.transfer.child", str(home), *about]
    started = subprocess.Popen(program, cwd=Path(child.__file__).parents[4], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "open\n"
    return started


def kill(program: "subprocess.Popen[str]") -> bool:
    """Kill it, unless it has ended before."""
    if program.poll() is None:
        os.kill(program.pid, signal.SIGKILL)
    was_killed = program.wait() != 0
    assert program.stdout is not None
    program.stdout.close()
    return was_killed


def check_kills(home: Path, kills: int, size: int, bytes_per_s: int) -> None:
    """Kill a download so often, after some of it came or while it looks at what is there; then let it end."""
    dice = random.Random(kills)
    data = noise(size)
    target = home / "models" / "owner--model" / NAME
    with BadServer({NAME: data}, bytes_per_s=bytes_per_s) as server:
        killed = 0
        for number in range(kills):
            program = start(server, home)
            until = server.served + int(dice.uniform(0.1, 1.5) * size / (kills + 1))
            until_s = time.monotonic() + (dice.uniform(0.0, 0.3) if number % 5 == 4 else 30)
            while program.poll() is None and server.served < until and time.monotonic() < until_s:
                time.sleep(0.001)
            killed += kill(program)
            assert not target.exists() or target.read_bytes() == data
        ended = start(server, home).communicate(timeout=100)[0]
        assert ended == f"done {target}\n"
        assert target.read_bytes() == data
        twice = server.served / size - 1
    assert [path.name for path in target.parent.iterdir()] == [NAME]
    sys.stdout.write(f"{killed} kills, {size / MIB:.0f} MiB exact, {twice:.2%} fetched twice\n")
    assert killed >= kills * 0.8
    assert twice <= 0.05


def test_killed_eight_times_a_download_is_exact_and_little_comes_twice(tmp_path: Path):
    check_kills(tmp_path, kills=8, size=96 * MIB, bytes_per_s=24 * MIB)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_killed_fifty_times_a_download_is_exact_and_little_comes_twice(tmp_path: Path):
    check_kills(tmp_path, kills=50, size=512 * MIB, bytes_per_s=24 * MIB)


def board_of(downloads: Downloads) -> JobBoard:
    return JobBoard(downloads.folder.parent / "jobs.json", {JobKind.DOWNLOAD: downloads.work()})


def wait_for(board: JobBoard, *states: JobState, done: int = 0) -> BackgroundJob:
    until_s = time.monotonic() + 20
    while (job := board.jobs()[0]).state not in states or job.done < done:
        assert time.monotonic() < until_s, job
        time.sleep(0.01)
    return job


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "models")


@pytest.fixture
def server():
    with BadServer({NAME: noise(8 * MIB)}, bytes_per_s=8 * MIB) as server:
        yield server


def test_paused_and_resumed_it_goes_on_where_it_was(server: BadServer, downloads: Downloads):
    board = board_of(downloads)
    number = board.add(JobKind.DOWNLOAD, "A model", spec_of([server.remote(NAME)]))
    running = wait_for(board, JobState.RUNNING, done=2 * MIB)
    assert (running.total, running.can_pause, running.rate_per_s > 0) == (8 * MIB, True, True)
    board.pause(number)
    assert board.jobs()[0].state is JobState.PAUSED
    time.sleep(0.3)
    served = server.served
    time.sleep(0.2)
    assert server.served == served
    assert downloads.left() == [f"owner--model/{NAME}.part", f"owner--model/{NAME}.part.json"]
    server.bytes_per_s = 0
    board.resume(number)
    done = wait_for(board, JobState.DONE)
    board.close()
    assert Path(done.result).read_bytes() == server.files[NAME]
    assert server.served / len(server.files[NAME]) <= 1.15  # what was under way of so small a file


def test_paused_in_one_program_it_is_resumed_in_the_next(server: BadServer, downloads: Downloads):
    program = start(server, downloads.folder.parent)
    seen = board_of(downloads)
    while not seen.jobs() or server.served < 2 * MIB:
        time.sleep(0.01)
    assert seen.jobs()[0].state is JobState.RUNNING
    assert kill(program)
    assert seen.jobs()[0].state is JobState.RUNNING  # as it was read; the file has not changed since
    board = board_of(downloads)
    assert board.jobs()[0].state is JobState.WAITING
    board.pause(1)
    board.close()
    later = board_of(downloads)
    later.open()
    time.sleep(0.2)
    assert later.jobs()[0].state is JobState.PAUSED
    server.bytes_per_s = 0
    later.resume(1)
    done = wait_for(later, JobState.DONE)
    later.close()
    assert Path(done.result).read_bytes() == server.files[NAME]


def test_what_another_program_fetches_is_left_to_it(
    server: BadServer, downloads: Downloads, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("engine.hub.transfer.place._TRIES", 2)
    program = start(server, downloads.folder.parent)
    while server.served < MIB:
        time.sleep(0.01)
    with pytest.raises(HubError, match=r"model\.gguf is being fetched already, by another job or another window"):
        downloads.fetch(server.remote(NAME))
    server.bytes_per_s = 0
    assert program.communicate(timeout=60)[0].startswith("done ")


def test_cancelled_nothing_is_left(server: BadServer, downloads: Downloads):
    board = board_of(downloads)
    number = board.add(JobKind.DOWNLOAD, "A model", spec_of([server.remote(NAME)]))
    wait_for(board, JobState.RUNNING, done=2 * MIB)
    board.cancel(number)
    board.close()
    assert list(downloads.folder.iterdir()) == []


def test_cancelled_and_begun_again_at_once_it_is_fetched(server: BadServer, downloads: Downloads):
    server.script(Bad("stall", at=MIB))
    board = board_of(downloads)
    number = board.add(JobKind.DOWNLOAD, "A model", spec_of([server.remote(NAME)]))
    wait_for(board, JobState.RUNNING, done=MIB // 2)
    server.bytes_per_s = 0
    board.cancel(number)
    board.add(JobKind.DOWNLOAD, "A model", spec_of([server.remote(NAME)]))
    done = wait_for(board, JobState.DONE, JobState.FAILED)
    board.close()
    assert done.error == ""
    assert Path(done.result).read_bytes() == server.files[NAME]


def test_three_run_together_and_two_of_one_file_do_not(downloads: Downloads):
    names = ["a.gguf", "b.gguf", "c.gguf", "d.gguf"]
    files = {name: noise(4 * MIB, seed=seed) for seed, name in enumerate(names)}
    with BadServer(files, bytes_per_s=2 * MIB) as server:
        board = board_of(downloads)
        for name in names:
            board.add(JobKind.DOWNLOAD, name, spec_of([server.remote(name)]))
        assert [job.state for job in board.jobs()] == [JobState.RUNNING] * 3 + [JobState.WAITING]
        board.cancel(4)
        board.add(JobKind.DOWNLOAD, "a again", spec_of([server.remote("a.gguf")]))
        server.bytes_per_s = 0
        until_s = time.monotonic() + 20
        while not all(job.state is JobState.DONE for job in board.jobs()):
            assert time.monotonic() < until_s, board.jobs()
            time.sleep(0.01)
        board.close()
        assert all((downloads.folder / "owner--model" / name).read_bytes() == files[name] for name in names[:3])
        assert sum("a.gguf" in seen.path for seen in server.requests if not seen.is_hub) == 1


def test_a_failed_download_says_why_and_goes_on_when_it_is_tried_again(server: BadServer, downloads: Downloads):
    server.bytes_per_s = 0
    server.script(Bad("403", at_hub=True))
    board = board_of(downloads)
    number = board.add(JobKind.DOWNLOAD, "A model", spec_of([server.remote(NAME)]))
    failed = wait_for(board, JobState.FAILED)
    page = f"http://{server.hub}/owner/model"
    assert failed.error == "127.0.0.1 gives model.gguf only to people who have accepted its licence (403)."
    assert failed.remedy == f"Accept it at {page}, and set a token of your account in Hearth."
    board.resume(number)
    wait_for(board, JobState.DONE)
    board.close()
