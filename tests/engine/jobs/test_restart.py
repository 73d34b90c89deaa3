"""JobBoard over the end of programs: closing, killing, two programs, and files that are broken or cannot be written."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.background import JobKind, JobState
from engine.errors import JobError
from engine.jobs import JobBoard, JobControl, Spec
from tests.engine.jobs import steps
from tests.engine.jobs.steps import Steps, board_of, wait_until


def add(board: JobBoard, tmp_path: Path, name: str, count: int = 3) -> int:
    return board.add(JobKind.DOWNLOAD, name, {"file": str(tmp_path / f"{name}.txt"), "steps": count})


def states(board: JobBoard) -> dict[str, JobState]:
    return {job.title: job.state for job in board.jobs()}


def start(home: Path) -> "subprocess.Popen[str]":
    program = [sys.executable, "-m", "tests.engine.jobs.steps", str(home)]
    root = Path(steps.__file__).parents[3]
    return subprocess.Popen(program, cwd=root, stdout=subprocess.PIPE, text=True)


def test_what_ran_goes_on_and_what_was_paused_stays_paused(tmp_path: Path):
    work = Steps()
    board = board_of(tmp_path, work)
    for name in ("runs", "paused", "waits", "last"):
        number = add(board, tmp_path, name)
        if name == "paused":
            board.pause(number)
    wait_until(lambda: len(work.runs) == 3)
    board.close()
    kept = board_of(tmp_path, work)
    waits = {"runs": JobState.WAITING, "paused": JobState.PAUSED, "waits": JobState.WAITING, "last": JobState.WAITING}
    assert states(kept) == waits
    assert kept.jobs()[0].done == 3
    work.may_end.set()
    kept.open()
    done = dict.fromkeys(waits, JobState.DONE) | {"paused": JobState.PAUSED}
    wait_until(lambda: states(kept) == done)
    kept.close()
    assert (tmp_path / "runs.txt").read_text() == "0\n1\n2\n"


def test_what_a_job_works_on_is_kept(tmp_path: Path):
    work = Steps()
    board = board_of(tmp_path, work)
    spec = {"file": str(tmp_path / "a.txt"), "steps": 3, "subject": "owner/name/a.gguf"}
    paused = board.add(JobKind.DOWNLOAD, "a", spec)
    board.pause(paused)
    add(board, tmp_path, "b")
    subjects = ["owner/name/a.gguf", ""]
    assert [job.subject for job in board.jobs()] == subjects
    board.close()
    kept = board_of(tmp_path, work)
    assert [job.subject for job in kept.jobs()] == subjects, "as another program sees it"
    kept.open()
    assert [job.subject for job in kept.jobs()] == subjects
    kept.close()


def test_a_closed_board_can_be_opened_again(tmp_path: Path):
    work = Steps()
    board = board_of(tmp_path, work)
    add(board, tmp_path, "a")
    for _ in range(3):
        board.close()
        board.close()
        board.open()
        board.open()
    work.may_end.set()
    wait_until(lambda: states(board) == {"a": JobState.DONE})
    board.close()
    assert work.most == 1


def test_a_job_that_does_not_listen_ends_later_and_is_not_begun_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.jobs.board._CLOSE_S", 0.1)

    class Deaf(Steps):
        def _run(self, spec: Spec, control: JobControl) -> str:
            self.may_end.wait()
            return ""

    work = Deaf()
    board = board_of(tmp_path, work)
    add(board, tmp_path, "a")
    wait_until(lambda: work.runs)
    begin_s = time.monotonic()
    board.close()
    assert time.monotonic() - begin_s < 2
    board.open()
    assert states(board) == {"a": JobState.RUNNING}
    work.may_end.set()
    wait_until(lambda: states(board) == {"a": JobState.DONE})
    board.close()
    assert len(work.runs) == 1


def test_killed_a_dozen_times_every_job_is_done_in_the_end(tmp_path: Path):
    kills = 0
    dice = random.Random(7)
    while kills < 12:
        program = start(tmp_path)
        assert program.stdout is not None
        assert program.stdout.readline() == "open\n"
        try:
            program.wait(dice.uniform(0.0, 0.06))
        except subprocess.TimeoutExpired:
            os.kill(program.pid, signal.SIGKILL)
        program.wait()
        program.stdout.close()
        if program.returncode == 0:
            break
        kills += 1
    finishing = start(tmp_path)
    assert finishing.stdout is not None
    assert finishing.communicate(timeout=30)[0] == "open\ndone\n"
    jobs = board_of(tmp_path, Steps()).jobs()
    assert [(job.id, job.state) for job in jobs] == [(number, JobState.DONE) for number in (1, 2, 3)]
    for number in range(3):
        assert (tmp_path / f"{number}.txt").read_text().split() == [str(step) for step in range(10)]
    assert kills >= 3
    sys.stdout.write(f"jobs: {kills} kills\n")


def test_one_program_looks_after_the_jobs_and_others_see_them(tmp_path: Path):
    ours = board_of(tmp_path, work := Steps())
    number = add(ours, tmp_path, "a")
    wait_until(lambda: ours.jobs()[0].done == 3)
    other = board_of(tmp_path, Steps())
    assert states(other) == {"a": JobState.RUNNING}
    for use in (other.open, lambda: other.pause(number), lambda: other.resume(number), lambda: other.cancel(number)):
        with pytest.raises(JobError, match="Another window of Hearth"):
            use()
    with pytest.raises(JobError, match="Another window"):
        add(other, tmp_path, "b")
    work.may_end.set()
    wait_until(lambda: states(other) == {"a": JobState.DONE})
    ours.close()
    other.open()
    other.close()


def test_jobs_can_be_seen_and_cancelled_without_running_any(tmp_path: Path):
    board = board_of(tmp_path, Steps())
    add(board, tmp_path, "a")
    wait_until((tmp_path / "a.txt").exists)
    board.close()
    later = board_of(tmp_path, work := Steps())
    assert states(later) == {"a": JobState.WAITING}
    later.cancel(1)
    later.close()
    assert work.runs == []
    assert work.discarded == [str(tmp_path / "a.txt")]
    assert board_of(tmp_path, work).jobs() == ()


def test_what_a_cancelled_job_left_is_removed_at_the_next_start_if_it_was_not(tmp_path: Path):
    board = board_of(tmp_path, Steps())
    add(board, tmp_path, "a")
    wait_until((tmp_path / "a.txt").exists)
    board.close()
    path = tmp_path / "jobs.json"
    text = path.read_text()
    assert '"is_wanted": true' in text
    path.write_text(text.replace('"is_wanted": true', '"is_wanted": false'))  # killed after the click
    later = board_of(tmp_path, work := Steps())
    assert later.jobs() == ()
    later.open()
    wait_until(lambda: work.discarded and not later._jobs)
    later.close()
    assert not (tmp_path / "a.txt").exists()
    assert work.runs == []


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"jobs": 3}', b'{"jobs": [], "next_id": "x"}', b"[" * 100_000, bytes(4096)],
)
def test_a_broken_file_is_set_aside(text: bytes, tmp_path: Path):
    (tmp_path / "jobs.json").write_bytes(text)
    board = board_of(tmp_path, work := Steps())
    work.may_end.set()
    assert board.jobs() == ()
    add(board, tmp_path, "a")
    wait_until(lambda: states(board) == {"a": JobState.DONE})
    board.close()
    assert len(list(tmp_path.glob("jobs.corrupt-*"))) == 1
    assert states(board_of(tmp_path, work)) == {"a": JobState.DONE}


def test_a_broken_job_costs_only_itself_and_one_of_another_kind_is_kept(tmp_path: Path):
    board = board_of(tmp_path, work := Steps())
    board._works = dict.fromkeys(JobKind, work)
    add(board, tmp_path, "a")
    board.add(JobKind.VERIFY, "b", {"file": str(tmp_path / "b.txt"), "steps": 1})
    board.close()
    path = tmp_path / "jobs.json"
    broken = '{"id": 9, "kind": "brew coffee"}, {"id": -1}, 7, '
    path.write_text(path.read_text().replace('"jobs": [', '"jobs": [' + broken))
    later = board_of(tmp_path, Steps())
    later.open()
    assert set(states(later)) == {"a"}
    later.close()
    assert set(states(board)) == {"a", "b"}


def test_a_disk_that_takes_nothing_costs_only_the_memory_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    home = tmp_path / "home"
    board = board_of(home, work := Steps())
    work.may_end.set()
    add(board, tmp_path, "a")
    (home / "jobs.json").unlink()
    (home / "jobs.json").mkdir()  # nothing can be renamed over it, also not by root
    (home / "jobs.json" / "in the way").touch()
    add(board, tmp_path, "b")
    wait_until(lambda: states(board) == {"a": JobState.DONE, "b": JobState.DONE})
    board.close()
    assert "cannot be written" in caplog.text


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    board = board_of(tmp_path / "file" / "home", Steps())
    assert board.jobs() == ()
    with pytest.raises(JobError, match="Work in the background cannot be kept in"):
        board.open()
