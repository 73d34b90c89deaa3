"""JobBoard: states, order, pause, resume, cancel, and who is told."""

import sys
import threading
import time
from pathlib import Path

import pytest

from engine.background import BackgroundJob, JobKind, JobState
from engine.errors import HubError, JobError
from engine.jobs import JobBoard, JobControl, JobStopped, Spec
from engine.jobs.board import MOST_ENDED
from tests.engine.jobs.steps import Steps, board_of, wait_until


@pytest.fixture
def work() -> Steps:
    return Steps()


@pytest.fixture
def board(tmp_path: Path, work: Steps):
    board = board_of(tmp_path, work)
    yield board
    board.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("hearth-job")]


def add(board: JobBoard, tmp_path: Path, name: str = "a", steps: int = 3, **more: object) -> int:
    return board.add(JobKind.DOWNLOAD, name, {"file": str(tmp_path / f"{name}.txt"), "steps": steps, **more})


def job_of(board: JobBoard, number: int) -> BackgroundJob:
    return next(job for job in board.jobs() if job.id == number)


def wait_for(board: JobBoard, number: int, state: JobState) -> BackgroundJob:
    wait_until(lambda: job_of(board, number).state is state)
    return job_of(board, number)


def test_a_job_runs_and_says_how_far_it_is(board: JobBoard, work: Steps, tmp_path: Path):
    number = add(board, tmp_path)
    wait_until(lambda: job_of(board, number).done == 3)
    running = job_of(board, number)
    assert (running.state, running.total, running.detail) == (JobState.RUNNING, 3, "step 2")
    work.may_end.set()
    done = wait_for(board, number, JobState.DONE)
    assert (done.result, done.done, done.detail, done.can_pause) == (str(tmp_path / "a.txt"), 3, "", True)


def test_no_more_than_allowed_run_together_and_the_rest_in_order(board: JobBoard, work: Steps, tmp_path: Path):
    numbers = [add(board, tmp_path, str(name)) for name in range(6)]
    wait_until(lambda: len(work.runs) == 2)
    assert [job.state for job in board.jobs()] == [JobState.RUNNING] * 2 + [JobState.WAITING] * 4
    work.may_end.set()
    for number in numbers:
        wait_for(board, number, JobState.DONE)
    assert work.most == 2
    assert sorted(work.runs) == [str(tmp_path / f"{name}.txt") for name in range(6)]


def test_a_paused_job_makes_room_and_goes_on_where_it_was(board: JobBoard, work: Steps, tmp_path: Path):
    work.at_once = 1
    first, second = add(board, tmp_path, "a"), add(board, tmp_path, "b")
    wait_until(lambda: job_of(board, first).done == 3)
    board.pause(first)
    assert job_of(board, first).state is JobState.PAUSED
    assert job_of(board, first).done == 3
    wait_for(board, second, JobState.RUNNING)
    board.resume(first)
    assert job_of(board, first).state is JobState.WAITING
    work.may_end.set()
    wait_for(board, first, JobState.DONE)
    assert (tmp_path / "a.txt").read_text() == "0\n1\n2\n"


def test_pausing_and_resuming_at_once_runs_it_only_once_at_a_time(board: JobBoard, work: Steps, tmp_path: Path):
    number = add(board, tmp_path, steps=200)
    for _ in range(50):
        board.pause(number)
        board.resume(number)
    work.may_end.set()
    wait_for(board, number, JobState.DONE)
    assert work.most == 1
    assert (tmp_path / "a.txt").read_text().split() == [str(step) for step in range(200)]


def test_a_waiting_job_can_be_paused_and_cancelled(board: JobBoard, work: Steps, tmp_path: Path):
    work.at_once = 1
    first, second, third = (add(board, tmp_path, name) for name in "abc")
    board.pause(second)
    board.cancel(third)
    work.may_end.set()
    wait_for(board, first, JobState.DONE)
    wait_until(lambda: work.discarded == [str(tmp_path / "c.txt")])
    assert [(job.id, job.state) for job in board.jobs()] == [(first, JobState.DONE), (second, JobState.PAUSED)]


def test_cancelling_a_running_job_removes_what_it_left_after_it_has_ended(board: JobBoard, work: Steps, tmp_path: Path):
    number = add(board, tmp_path)
    wait_until((tmp_path / "a.txt").exists)
    board.cancel(number)
    assert board.jobs() == ()
    wait_until(lambda: work.discarded)
    assert work.ends == work.discarded
    assert not (tmp_path / "a.txt").exists()


def test_a_job_that_ended_well_is_forgotten_and_its_result_stays(board: JobBoard, work: Steps, tmp_path: Path):
    work.may_end.set()
    number = add(board, tmp_path)
    wait_for(board, number, JobState.DONE)
    wait_until(lambda: not board._jobs[number].control)
    board.cancel(number)
    board.close()
    assert work.discarded == []
    assert (tmp_path / "a.txt").exists()


def test_a_failed_job_says_why_and_can_be_tried_again(board: JobBoard, work: Steps, tmp_path: Path):
    work.may_end.set()
    number = add(board, tmp_path, error="no luck")
    failed = wait_for(board, number, JobState.FAILED)
    assert (failed.error, failed.remedy) == ("It failed: no luck.", "The log says more.")
    board.pause(number)
    assert job_of(board, number).state is JobState.FAILED
    board._jobs[number].spec["error"] = ""
    wait_until(lambda: not board._jobs[number].control)
    board.resume(number)
    done = wait_for(board, number, JobState.DONE)
    assert (done.error, done.remedy) == ("", "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (HubError("No room.", "Make some."), ("No room.", "Make some.")),
        (SystemExit(3), ("It failed: 3.", "The log says more.")),
        (JobStopped(), ("It ended without being told to.", "Try it again.")),
    ],
)
def test_every_end_of_a_job_is_an_end(error: BaseException, said: tuple[str, str], tmp_path: Path):
    class Failing(Steps):
        def run(self, spec: Spec, control: JobControl) -> str:
            raise error

    board = board_of(tmp_path, Failing())
    failed = wait_for(board, add(board, tmp_path), JobState.FAILED)
    board.close()
    assert (failed.error, failed.remedy) == said


def test_ids_are_never_used_again(board: JobBoard, work: Steps, tmp_path: Path):
    numbers = []
    for name in range(5):
        numbers.append(add(board, tmp_path, str(name)))
        board.cancel(numbers[-1])
    board.close()
    assert board.jobs() == ()
    numbers.append(add(board, tmp_path, "last"))
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_what_is_told_of_a_job_that_is_gone_is_a_sentence(board: JobBoard, tmp_path: Path):
    number = add(board, tmp_path)
    board.cancel(number)
    for ask in (board.pause, board.resume, board.cancel):
        with pytest.raises(JobError, match=r"There is no job 1\."):
            ask(number)


def test_whoever_is_told_may_use_the_board_and_may_fail(tmp_path: Path):
    told: list[BackgroundJob] = []

    def on_done(job: BackgroundJob) -> None:
        told.append(job)
        if len(told) == 1:
            add(board, tmp_path, "second")
        else:
            board.cancel(job.id)
        raise RuntimeError("the listener fails")

    work = Steps()
    work.may_end.set()
    board = board_of(tmp_path, work, on_done=on_done)
    first = add(board, tmp_path, "first")
    wait_until(lambda: len(told) == 2 and [job.id for job in board.jobs()] == [first])
    board.close()
    assert [job.title for job in told] == ["first", "second"]


def test_a_listener_may_close_the_board(tmp_path: Path):
    closed = threading.Event()
    work = Steps()
    work.may_end.set()

    def on_done(_job: BackgroundJob) -> None:
        board.close()
        closed.set()

    board = board_of(tmp_path, work, on_done=on_done)
    add(board, tmp_path)
    assert closed.wait(5)
    assert [job.state for job in board_of(tmp_path, work).jobs()] == [JobState.DONE]


def test_discarding_may_fail_and_may_use_the_board(tmp_path: Path):
    class Clumsy(Steps):
        def discard(self, spec: Spec) -> None:
            seen.append(board.jobs())
            raise RuntimeError("cannot")

    seen: list[object] = []
    board = board_of(tmp_path, Clumsy())
    board.cancel(add(board, tmp_path))
    wait_until(lambda: seen)
    board.close()
    assert seen == [()]
    assert "cannot" not in (tmp_path / "jobs.json").read_text()


def test_a_job_can_keep_another_spec(tmp_path: Path):
    class Keeping(Steps):
        def run(self, spec: Spec, control: JobControl) -> str:
            control.save({**spec, "seen": [*spec.get("seen", []), len(spec)]})
            while True:
                control.sleep(1)

    board = board_of(tmp_path, Keeping())
    number = add(board, tmp_path)
    wait_until(lambda: "seen" in board._jobs[number].spec)
    board.pause(number)
    board.close()
    again = board_of(tmp_path, Keeping())
    again.pause(number)
    assert again._jobs[number].spec["seen"] == [2]
    again.close()


def test_a_spec_that_is_no_json_is_refused_when_it_is_added(board: JobBoard):
    with pytest.raises(TypeError):
        board.add(JobKind.DOWNLOAD, "a", {"file": object()})
    assert board.jobs() == ()


def test_old_ends_are_forgotten_and_failures_are_not(board: JobBoard, work: Steps, tmp_path: Path):
    work.may_end.set()
    failed = add(board, tmp_path, "f", error="no")
    numbers = [add(board, tmp_path, str(name), steps=0) for name in range(MOST_ENDED + 5)]
    wait_until(lambda: len(board.jobs()) == MOST_ENDED + 1 and all(job.is_over for job in board.jobs()))
    assert [job.id for job in board.jobs()] == [failed, *numbers[-MOST_ENDED:]]


def test_forty_threads_use_one_board(board: JobBoard, work: Steps, tmp_path: Path):
    work.may_end.set()
    numbers: list[int] = []

    def use(name: int) -> None:
        number = add(board, tmp_path, str(name), steps=2)
        numbers.append(number)
        board.pause(number)
        board.jobs()
        board.resume(number)
        if name % 4 == 0:
            board.cancel(number)

    threads = [threading.Thread(target=use, args=(name,)) for name in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: all(job.state is JobState.DONE for job in board.jobs()))
    assert sorted(numbers) == list(range(1, 41))
    assert len(board.jobs()) == 30
    assert work.most <= 2


def test_telling_costs_microseconds_and_never_waits_for_the_disk(board: JobBoard, tmp_path: Path):
    took: list[float] = []

    class Talking(Steps):
        def run(self, spec: Spec, control: JobControl) -> str:
            begin_s = time.perf_counter()
            for done in range(100_000):
                control.tell(done, 100_000, "counts")
            took.append((time.perf_counter() - begin_s) / 100_000)
            return ""

    board._works = {JobKind.DOWNLOAD: Talking()}
    number = add(board, tmp_path)
    wait_for(board, number, JobState.DONE)
    sys.stdout.write(f"tell: {took[0] * 1e6:.2f} us\n")
    assert took[0] < 20e-6  # 1 us alone; with room for busy machines
