"""When a model is paged, what it takes then, and that budgets hold all the same."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.errors import OutOfMemoryError
from engine.memory.residency import Place
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.gguf_writer import WeightType
from engine.models.random_model import RandomRecipe, RandomShape, write_hollow_model
from engine.testing import FakeBackend
from engine.types import ModelInfo
from tests.engine.memory.machine import GB, Machine, info

LARGE = RandomShape(16, 2048, 5632, 16, 4, 32_000, 4096)  # 0.8 GB of weights


class Takes(FakeBackend):
    """Models take what their headers say, or all that they may if they are paged."""

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        model = super().load(info, options, progress)
        self.options = options
        assert options.available_bytes is not None
        model.memory_bytes = options.available_bytes if options.paged else info.size_bytes
        return model


@dataclass
class House:
    machine: Machine
    backend: Takes
    large: ModelInfo

    @property
    def used(self) -> int:
        return sum(resident.size_bytes for resident in self.machine.residency.residents())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    path = tmp_path_factory.mktemp("models") / "large.gguf"
    write_hollow_model(path, LARGE, RandomRecipe(7, WeightType.Q8_0, WeightType.Q8_0), name="large")
    return describe(read_header(path), "large")


def house(large: ModelInfo, budget: int, total: int = 100 * GB) -> House:
    backend = Takes()
    return House(Machine(total, backend, budget_bytes=budget), backend, large)


def least(found: House) -> int:
    return found.machine.residency.estimates.of(found.large)


def test_a_model_larger_than_the_budget_is_paged_and_takes_what_there_is(large: ModelInfo) -> None:
    budget = 600_000_000
    found = house(large, budget)
    assert least(found) > budget
    found.machine.load(info("small", budget // 2))
    found.machine.load(large)
    assert found.backend.options.paged
    assert found.machine.names == {"large"}
    assert 0.9 * budget <= found.used <= budget


def test_a_model_that_fits_is_not_paged(large: ModelInfo) -> None:
    found = house(large, 2 * GB)
    found.machine.load(large)
    assert not found.backend.options.paged


def test_nobody_is_paged_because_others_are_busy(large: ModelInfo) -> None:
    found = house(large, 2 * GB)
    found.machine.load(info("busy", 3 * GB // 2))
    with found.machine.residency.lease() as lease:
        lease.hold(Place(info("busy").path))
        room = found.machine.residency.room_for(large)
        assert (room.fits, room.busy) == (False, (Place(info("busy").path),))


def test_pinned_models_stay_so_that_another_is_paged(large: ModelInfo) -> None:
    found = house(large, 1_600_000_000)
    found.machine.load(info("pinned"))
    found.machine.residency.pin(info("pinned"))
    found.machine.load(large)
    assert found.backend.options.paged
    assert found.machine.names == {"pinned", "large"}
    assert found.used <= 1_600_000_000


def test_a_paged_model_waits_where_busy_ones_leave_it_too_little(large: ModelInfo) -> None:
    found = house(large, 600_000_000)
    found.machine.load(info("busy", 500_000_000))
    with found.machine.residency.lease() as lease:
        lease.hold(Place(info("busy").path))
        room = found.machine.residency.room_for(large)
        assert (room.fits, room.busy) == (False, (Place(info("busy").path),))


def test_of_what_is_free_to_all_a_part_is_left(large: ModelInfo) -> None:
    found = House(machine=Machine(600_000_000, backend := Takes()), backend=backend, large=large)
    found.machine.load(large)
    assert backend.options.paged
    assert found.used <= 0.9 * 600_000_000


def test_what_cannot_even_be_paged_is_refused_with_what_would_help(large: ModelInfo) -> None:
    found = house(large, 400_000_000)
    with pytest.raises(OutOfMemoryError, match="large needs about") as refused:
        found.machine.load(large)
    assert "context" in refused.value.remedy
    assert " Or: " in refused.value.remedy


def test_what_pinned_models_hold_comes_on_top_of_what_is_to_be_allowed(large: ModelInfo) -> None:
    found = house(large, 1_300_000_000)
    found.machine.load(info("pinned"))
    found.machine.residency.pin(info("pinned"))
    with pytest.raises(OutOfMemoryError, match=r"300 MB is free within the budget of 1\.3 GB") as refused:
        found.machine.load(large)
    assert "Allow models at least 2.2 GB" in refused.value.remedy


@settings(deadline=None, max_examples=40)
@given(
    budget=st.integers(300_000_000, 3 * GB),
    order=st.lists(st.sampled_from(["large", "a", "b", "c"]), min_size=1, max_size=6),
)
def test_budgets_hold_whoever_comes(large: ModelInfo, budget: int, order: list[str]) -> None:
    found = house(large, budget)
    for name in order:
        try:
            found.machine.load(large if name == "large" else info(name, 250_000_000))
        except OutOfMemoryError:
            assert name == "large"
        assert found.used <= budget
