"""No model, and no load, takes more than the budget allows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.backends.base import DeviceTarget, LoadedModel, LoadOptions, LoadProgress
from engine.backends.llama import LlamaBackend
from engine.bench.random_model import cached_random_model
from engine.errors import EngineError, OutOfMemoryError
from engine.memory.residency import Place, Residency
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.library import ModelLibrary
from engine.testing import FakeBackend
from engine.types import ModelInfo
from resources import models_dir
from tests.engine.memory.machine import GB, Machine, info


class Greedy(FakeBackend):
    """Models take more than their files say, if told so."""

    factor = 1.0

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        model = super().load(info, options, progress)
        model.memory_bytes = int(info.size_bytes * self.factor)
        self.allowed = options.available_bytes
        return model


def used(machine: Machine) -> int:
    return sum(r.size_bytes for r in machine.residency.residents())


def test_the_budget_holds_however_much_memory_is_free() -> None:
    machine = Machine(100 * GB, budget_bytes=2 * GB)
    for name in "abcd":
        machine.load(info(name))
        assert used(machine) <= 2 * GB
    assert machine.names == {"c", "d"}
    with pytest.raises(OutOfMemoryError, match=r"needs about 2\.5 GB of memory, but 2\.0 GB is free within the budget"):
        machine.load(info("big", 2_500_000_000))


def test_a_model_is_told_to_take_no_more_than_the_budget_has_left() -> None:
    backend = Greedy()
    machine = Machine(100 * GB, backend, budget_bytes=3 * GB)
    machine.load(info("a"))
    assert backend.allowed == 3 * GB
    machine.load(info("b"))
    assert backend.allowed == 2 * GB


def test_a_model_larger_than_it_seemed_drives_out_idle_ones() -> None:
    backend = Greedy()
    machine = Machine(100 * GB, backend, budget_bytes=2 * GB)
    machine.load(info("a"))
    backend.factor = 1.5
    machine.load(info("b"))
    assert machine.names == {"b"}


def test_a_model_larger_than_it_seemed_is_closed_again_if_others_are_in_use() -> None:
    backend = Greedy()
    machine = Machine(100 * GB, backend, budget_bytes=2 * GB)
    machine.load(info("a"))
    backend.factor = 1.5
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
        with pytest.raises(OutOfMemoryError, match=r"b needs about 1\.5 GB of memory, but 1\.0 GB is free"):
            machine.load(info("b"))
        assert machine.names == {"a"}
        assert backend.models[-1].is_closed
        room = machine.residency.room_for(info("b"))
        assert (room.fits, room.busy) == (False, (Place(info("a").path),))
    assert used(machine) == GB


def test_the_next_estimate_is_what_the_last_load_took() -> None:
    backend = Greedy()
    backend.factor = 1.5
    machine = Machine(100 * GB, backend)
    assert machine.residency.estimates.of(info("a")) == GB
    machine.load(info("a"))
    assert machine.residency.estimates.of(info("a")) == 1_500_000_000


def test_the_model_that_loads_slowly_stays() -> None:
    machine = Machine(100 * GB, budget_bytes=2 * GB)
    machine.residency.load_times.teach({"a": 60.0, "b": 1.0})
    for name in "ab":
        machine.load(info(name))
        with machine.residency.lease() as lease:
            lease.hold(Place(info(name).path))
    machine.residency.load_times.teach({"a": 60.0})
    room = machine.residency.room_for(info("c"))
    assert (room.fits, room.victims, room.evicted_bytes) == (True, (Place(info("b").path),), GB)
    assert machine.residency.room_for(info("c"), spare=[Place(info("b").path)]).victims == (Place(info("a").path),)


def test_load_times_are_measured_and_guessed_for_models_never_loaded() -> None:
    machine = Machine(100 * GB)
    times = machine.residency.load_times
    times.meet(Place(info("a").path), "a", 2 * GB)
    times.note(Place(info("a").path), 4.0)
    times.meet(Place(info("b").path), "b", GB)
    assert times.of(Place(info("b").path)) == pytest.approx(2.0)
    times.note(Place(info("a").path), 2.0)
    assert times.seconds() == {"a": 3.0}
    assert times.of(Place(info("nobody").path)) == 0.0


def gpu(interface: str = "Vulkan") -> DeviceTarget:
    return DeviceTarget(device="gpu:0", interface=interface, targets=("Vulkan0",))


def test_a_device_with_memory_of_its_own_has_a_budget_of_its_own() -> None:
    machine = Machine(100 * GB, budget_bytes=GB)
    machine.gpu_bytes = GB
    room = machine.residency.room_for(info("a", 10), gpu(), 2 * GB)
    assert (room.fits, room.missing_bytes) == (False, GB)
    with pytest.raises(OutOfMemoryError, match=r"a needs 2\.0 GB of gpu:0's memory, but 1\.0 GB is free"):
        machine.residency.load(info("a", 10), lambda _f: True, gpu(), 2 * GB)


def test_a_device_without_memory_of_its_own_counts_against_the_machines() -> None:
    machine = Machine(100 * GB, budget_bytes=GB)
    assert not machine.residency.room_for(info("a", 10), gpu(), 2 * GB).fits
    assert machine.residency.room_for(info("a", 10), gpu(), GB // 2).fits


def test_a_device_that_takes_one_model_at_a_time_is_cleared_or_waited_for() -> None:
    machine = Machine(100 * GB)
    machine.residency.load(info("a"), lambda _f: True, gpu("RPC"))
    there = Place(info("a").path, "gpu:0", "RPC")
    assert machine.residency.room_for(info("b"), gpu("RPC")).victims == (there,)
    with machine.residency.lease() as lease:
        lease.hold(there)
        room = machine.residency.room_for(info("b"), gpu("RPC"))
        assert (room.fits, room.busy) == (False, (there,))
        with pytest.raises(EngineError, match="one model at a time"):
            machine.residency.load(info("b"), lambda _f: True, gpu("RPC"))
    machine.residency.load(info("b"), lambda _f: True, gpu("RPC"))
    assert machine.names == {"b"}


def test_real_models_stay_within_a_budget_that_not_all_of_them_fit(tmp_path: Path) -> None:
    options = LoadOptions(context_tokens=1024, max_sequences=4)
    models = [ModelLibrary((models_dir(),)).find("starter")]
    for kind in ("q8_0", "q4_0", "f16"):
        path = cached_random_model(tmp_path, "tiny", kind)
        models.append(describe(read_header(path), path.stem))

    def retire(model: LoadedModel, on_closed: Callable[[], None]) -> None:
        model.close()
        on_closed()

    budget = 50_000_000
    residency = Residency({"gguf": LlamaBackend(None, None)}, options, retire, budget_bytes=budget)
    most = 0
    for number in (0, 1, 2, 3, 0, 2, 1, 3, 0):
        residency.load(models[number], lambda _fraction: True)
        loaded = [r.model for r in residency.residents()]
        assert sum(model.memory_bytes + model.parking_bytes for model in loaded) <= budget
        most = max(most, len(loaded))
    assert 1 < most < len(models)
    residency.close()
