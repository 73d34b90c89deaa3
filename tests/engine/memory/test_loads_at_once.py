"""Loads that go on at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.errors import EngineError, ModelError, OutOfMemoryError
from engine.memory.residency import Place
from engine.testing import FakeBackend
from engine.types import ModelInfo
from tests.engine.memory.machine import GB, Machine, info


class Slow(FakeBackend):
    """Loads only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        self.begun.release()
        progress(0.25)
        assert self.go.wait(10)
        return super().load(info, options, progress)


def test_who_wants_what_is_being_loaded_waits_for_it() -> None:
    backend = Slow()
    machine = Machine(100 * GB, backend)
    seen: list[float] = []
    told = threading.Event()

    def progress(fraction: float) -> bool:
        seen.append(fraction)
        told.set()
        return True

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(machine.load, info("a"))
        assert backend.begun.acquire(timeout=10)
        second = pool.submit(machine.residency.load, info("a"), progress)
        assert told.wait(10)
        backend.go.set()
        assert first.result(10) is second.result(10)
    assert len(backend.models) == 1
    assert seen[0] == 0.25


def test_who_waits_for_anothers_load_may_give_up() -> None:
    backend = Slow()
    machine = Machine(100 * GB, backend)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(machine.load, info("a"))
        assert backend.begun.acquire(timeout=10)
        with pytest.raises(EngineError, match="cancelled"):
            machine.residency.load(info("a"), lambda _fraction: False)
        backend.go.set()
        first.result(10)


def test_who_waited_loads_itself_if_the_other_gives_up() -> None:
    backend = Slow()
    machine = Machine(100 * GB, backend)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(machine.residency.load, info("a"), lambda fraction: fraction < 0.5)
        assert backend.begun.acquire(timeout=10)
        second = pool.submit(machine.load, info("a"))
        backend.go.set()
        assert first.exception(10) is not None
        assert second.result(10) is machine.residency.get(Place(info("a").path))


def test_loads_of_different_models_go_on_together_and_count_on_the_memory_only_once() -> None:
    backend = Slow()
    machine = Machine(100 * GB, backend, budget_bytes=2 * GB)
    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(machine.load, info(name)) for name in "ab"]
        assert all(backend.begun.acquire(timeout=10) for _ in loads)
        room = machine.residency.room_for(info("c"))
        assert not room.fits
        with pytest.raises(OutOfMemoryError):
            machine.load(info("c"))
        backend.go.set()
        for load in loads:
            load.result(10)
    assert machine.names == {"a", "b"}
    assert machine.residency.room_for(info("c")).fits


def test_a_load_that_fails_takes_no_memory() -> None:
    machine = Machine(100 * GB, budget_bytes=GB)
    machine.backend.load_error = ModelError("It is broken.")
    for _ in range(3):
        with pytest.raises(ModelError):
            machine.load(info("a"))
    machine.backend.load_error = None
    machine.load(info("b"))
