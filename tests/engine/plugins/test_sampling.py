"""Telemetry is read at its own pace, and a source that hangs holds up no other."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from engine.errors import PluginError
from engine.plugins import sampling
from engine.plugins.contract.offers import Sample
from engine.plugins.sampling import Beat, Sampler


class Source:
    title = "Level"

    def __init__(self, name: str, period_s: float = 1.0, does: Callable[[], object] = lambda: None) -> None:
        self.id = name
        self.period_s = period_s
        self._does = does
        self.count = 0

    def sample(self) -> tuple[Sample, ...]:
        self.count += 1
        self._does()
        return (Sample(self.id, float(self.count), "m"),)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now_s = [100.0]
    monkeypatch.setattr(sampling.time, "monotonic", lambda: now_s[0])
    return now_s


def at_once(function: Callable[[], None]) -> "Future[None]":
    future: Future[None] = Future()
    future.set_result(function())
    return future


def test_each_source_has_its_own_pace(clock: list[float]):
    kept: list[tuple[str, str, float]] = []
    sampler = Sampler(at_once, lambda plugin, source, samples: kept.append((plugin, source, samples[0].value)))
    slow, quick = Source("slow", 2.0), Source("quick", 0.001)  # no source is read more than twice a second
    for _ in range(9):
        sampler.sample_due([("own", slow), ("own", quick)])
        clock[0] += 0.25
    assert (slow.count, quick.count) == (2, 5)
    assert kept[:2] == [("own", "slow", 1.0), ("own", "quick", 1.0)]


def test_a_source_that_fails_is_read_again(clock: list[float]):
    def fail() -> None:
        raise PluginError("own", "It failed.")

    source = Source("odd", 1.0, fail)
    sampler = Sampler(at_once, lambda *kept: pytest.fail("nothing to keep"))
    sampler.sample_due([("own", source)])
    clock[0] += 1.0
    sampler.sample_due([("own", source)])
    assert source.count == 2


def test_a_source_that_hangs_is_not_read_twice_and_holds_up_no_other(clock: list[float]):
    kept, may_end = threading.Semaphore(0), threading.Event()
    hangs, fine = Source("hangs", 1.0, may_end.wait), Source("fine", 1.0)
    with ThreadPoolExecutor(2) as pool:
        sampler = Sampler(pool.submit, lambda *_: kept.release())
        for _ in range(3):
            sampler.sample_due([("own", hangs), ("own", fine)])
            assert kept.acquire(timeout=30)
            clock[0] += 1.0
        assert (hangs.count, fine.count) == (1, 3)
        may_end.set()


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BEAT_S", 0.001)


@pytest.mark.usefixtures("quick_beats")
def test_a_beat_goes_on_after_a_fault_and_ends_when_it_is_closed():
    beats = threading.Semaphore(0)

    def function() -> None:
        beats.release()
        raise ValueError("a fault of Hearth's own")

    beat = Beat(function)
    beat.ensure()
    beat.ensure()
    for _ in range(3):
        assert beats.acquire(timeout=30)
    assert [thread.name for thread in threading.enumerate()].count("hearth-plugins-beat") == 1
    beat.close()
    beat.ensure()
    assert "hearth-plugins-beat" not in [thread.name for thread in threading.enumerate()]
