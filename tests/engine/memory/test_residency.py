"""Which models stay in memory."""

from pathlib import Path

import pytest

from engine.backends.base import LoadedModel, LoadOptions
from engine.errors import ModelError, OutOfMemoryError
from engine.memory.residency import Place, Residency
from engine.testing import FakeBackend
from engine.types import Accepts, ModelInfo

GB = 1_000_000_000


def info(name: str, size_bytes: int = GB) -> ModelInfo:
    return ModelInfo(
        id=name,
        path=Path(f"/models/{name}.gguf"),
        format="gguf",
        name=name,
        architecture="fake",
        size_bytes=size_bytes,
        accepts=frozenset({Accepts.MESSAGES}),
    )


class Machine:
    """Memory for a given number of bytes; models that are retired give theirs back."""

    def __init__(self, total_bytes: int) -> None:
        self.backend = FakeBackend()
        self.total_bytes = total_bytes
        self.residency = Residency({"gguf": self.backend}, LoadOptions(), self.retire, self.available)

    def available(self) -> int:
        return self.total_bytes - sum(r.model.info.size_bytes for r in self.residency.residents())

    def retire(self, model: LoadedModel, on_closed) -> None:
        model.close()
        on_closed()

    def load(self, model: ModelInfo) -> LoadedModel:
        return self.residency.load(model, lambda _fraction: True)

    @property
    def names(self) -> set[str]:
        return {r.model.info.id for r in self.residency.residents()}


def test_a_model_is_loaded_once() -> None:
    machine = Machine(8 * GB)
    assert machine.load(info("a")) is machine.load(info("a"))
    assert len(machine.backend.models) == 1


def test_the_least_recently_used_idle_model_makes_room() -> None:
    machine = Machine(2 * GB)
    machine.load(info("a"))
    machine.load(info("b"))
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
    machine.load(info("c"))
    assert machine.names == {"a", "c"}


def test_a_leased_model_is_never_evicted() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
        with pytest.raises(OutOfMemoryError, match=r"b needs about 1\.0 GB of memory, but 0\.0 GB is free"):
            machine.load(info("b"))
        assert machine.names == {"a"}
    machine.load(info("b"))
    assert machine.names == {"b"}


def test_a_model_larger_than_everything_is_refused_with_the_numbers() -> None:
    machine = Machine(4 * GB)
    with pytest.raises(OutOfMemoryError, match=r"needs about 7\.2 GB of memory, but 4\.0 GB is free"):
        machine.load(info("big", 7_200_000_000))


def test_a_model_in_use_cannot_be_unloaded() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    with machine.residency.lease() as one, machine.residency.lease() as two:
        one.hold(Place(info("a").path))
        two.hold(Place(info("a").path))
        with pytest.raises(ModelError, match="2 requests are using it"):
            machine.residency.unload(info("a"))
    assert machine.residency.unload(info("a")) is True
    assert machine.residency.unload(info("a")) is False


def test_a_hold_after_the_end_of_its_lease_holds_nothing() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    lease = machine.residency.lease()
    with lease:
        pass
    lease.hold(Place(info("a").path))
    assert machine.residency.unload(info("a")) is True


def test_a_broken_model_is_forgotten_and_loaded_anew() -> None:
    machine = Machine(GB)
    broken = machine.load(info("a"))
    machine.residency.discard(broken)
    assert machine.load(info("a")) is not broken


def test_a_format_nobody_can_run_is_refused() -> None:
    residency = Residency({}, LoadOptions(), lambda _model, done: done(), lambda: GB)
    with pytest.raises(ModelError, match="gguf"):
        residency.load(info("a"), lambda _fraction: True)


def test_closing_closes_every_model() -> None:
    machine = Machine(4 * GB)
    models = [machine.load(info(name)) for name in "abc"]
    machine.residency.close()
    assert all(model.is_closed for model in models)
    assert machine.names == set()
