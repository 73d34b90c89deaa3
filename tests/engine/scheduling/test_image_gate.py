"""The gate before the lane: batches of what was asked for together, and a bound on what is prepared."""

import random
from concurrent.futures import Future

import pytest

from engine.scheduling.image_gate import MOST_PREPARED, ImageGate


class Model:
    max_batch = 4


class Job:
    model = Model()

    def __init__(self, number: int = 0) -> None:
        self.number = number


@pytest.fixture
def submitted() -> list[Job]:
    return []


@pytest.fixture
def gate(submitted: list[Job]) -> ImageGate:
    return ImageGate(submitted.append)


def test_one_image_goes_at_once(gate: ImageGate, submitted: list[Job]) -> None:
    gate.expect("a")
    gate.add("a", Job(1))
    assert [job.number for job in submitted] == [1]


def test_images_wait_for_those_asked_for_together(gate: ImageGate, submitted: list[Job]) -> None:
    for _ in range(3):
        gate.expect("a")
    gate.add("a", Job(1))
    gate.add("a", Job(2))
    assert submitted == []
    gate.add("a", Job(3))
    assert [job.number for job in submitted] == [1, 2, 3]


def test_a_full_batch_does_not_wait(gate: ImageGate, submitted: list[Job]) -> None:
    for _ in range(6):
        gate.expect("a")
    for number in range(4):
        gate.add("a", Job(number))
    assert len(submitted) == 4


def test_nobody_waits_for_an_image_that_failed_or_for_another_group(gate: ImageGate, submitted: list[Job]) -> None:
    gate.expect("b")
    for _ in range(2):
        gate.expect("a")
    gate.add("a", Job(1))
    gate.give_up("a")
    assert [job.number for job in submitted] == [1]


def test_only_so_many_are_prepared_and_the_others_follow(gate: ImageGate, submitted: list[Job]) -> None:
    futures: list[Future[None]] = []
    entered: list[int] = []
    for number in range(MOST_PREPARED + 3):
        futures.append(Future())
        gate.expect("a")
        gate.enter("a", futures[-1], lambda number=number: entered.append(number))
    assert entered == list(range(MOST_PREPARED))
    for number in range(MOST_PREPARED):
        gate.add("a", Job(number))
    assert len(submitted) == MOST_PREPARED  # those outside are not waited for
    futures[5].set_result(None)
    futures[6].cancel()
    assert entered[MOST_PREPARED:] == [MOST_PREPARED, MOST_PREPARED + 1]
    gate.add("a", Job(98))
    assert submitted[-1].number != 98  # the other one is being prepared again
    gate.add("a", Job(99))
    assert [job.number for job in submitted[-2:]] == [98, 99]


def test_thousands_that_were_cancelled_meanwhile_are_skipped(gate: ImageGate) -> None:
    futures: list[Future[None]] = []
    entered: list[int] = []
    for number in range(5000):
        futures.append(Future())
        gate.expect("a")
        gate.enter("a", futures[-1], lambda number=number: entered.append(number))
    for future in futures[MOST_PREPARED:-1]:
        future.cancel()
    futures[0].set_result(None)
    assert entered[MOST_PREPARED:] == [4999]


@pytest.mark.parametrize("seed", range(20))
def test_every_image_gets_through_whatever_happens(gate: ImageGate, submitted: list[Job], seed: int) -> None:
    """Random order of entering, failing, cancelling and finishing; in the end nothing is left behind."""
    rng = random.Random(seed)
    inside: list[tuple[str, Future[None]]] = []
    given_up = 0
    for number in range(100):
        group, future = rng.choice("ab"), Future()
        gate.expect(group)
        gate.enter(group, future, lambda entry=(group, future): inside.append(entry))
        while inside and rng.random() < 0.6:
            group, future = inside.pop(rng.randrange(len(inside)))
            if rng.random() < 0.2:
                future.cancel()
                gate.give_up(group)
                given_up += 1
            else:
                gate.add(group, _job(number, future))
        while submitted and rng.random() < 0.5:
            _end(submitted.pop())
    while inside or submitted:
        while inside:
            group, future = inside.pop()
            gate.add(group, _job(0, future))
        while submitted:
            _end(submitted.pop())
    assert _ended.pop("count") + given_up == 100


_ended: dict[str, int] = {}


def _job(number: int, future: "Future[None]") -> Job:
    job = Job(number)
    job.future = future
    return job


def _end(job: Job) -> None:
    _ended["count"] = _ended.get("count", 0) + 1
    job.future.set_result(None)
