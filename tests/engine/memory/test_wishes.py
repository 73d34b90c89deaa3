"""What a person has set for one model, when it is loaded."""

from dataclasses import replace

import pytest

from engine.backends.base import CPU_TARGET, LoadOptions
from engine.cards import ModelDefaults
from engine.errors import OutOfMemoryError
from engine.memory.residency import Residency
from engine.types import ModelInfo
from tests.engine.memory.machine import GB, Machine
from tests.engine.memory.test_claims import Takes, house, large, least

__all__ = ["large"]  # a fixture


class Wished:
    """A machine on which one model may take no more than somebody has set."""

    def __init__(self, large: ModelInfo, **wishes: object) -> None:
        self.large, self.backend, self.wishes = large, Takes(), ModelDefaults(**wishes)  # type: ignore[arg-type]
        machine = Machine(100 * GB, self.backend)
        self.residency = Residency(
            {"gguf": self.backend}, LoadOptions(), machine.retire, machine.available, wishes=lambda _info: self.wishes
        )

    def load(self) -> None:
        self.residency.load(self.large, lambda _fraction: True)


def test_a_budget_below_what_it_needs_lets_it_be_paged_within_that(large):
    needed = least(house(large, 100 * GB))
    wished = Wished(large, memory_budget_bytes=int(needed * 0.7))
    wished.load()
    assert wished.backend.options.paged
    assert wished.backend.options.available_bytes <= int(needed * 0.7)
    assert wished.residency.residents()[0].size_bytes <= int(needed * 0.7)


def test_a_budget_that_is_enough_only_caps_what_it_takes_more(large):
    needed = least(house(large, 100 * GB))
    wished = Wished(large, memory_budget_bytes=needed + 1000)
    wished.load()
    assert (wished.backend.options.paged, wished.backend.options.available_bytes) == (False, needed + 1000)


def test_a_budget_that_is_not_enough_even_so_is_a_sentence(large):
    wished = Wished(large, memory_budget_bytes=1000)
    with pytest.raises(OutOfMemoryError, match="its own setting allows 0 MB"):
        wished.load()
    assert not wished.residency.room_for(large).fits
    wished.wishes = ModelDefaults()
    wished.load()


def test_a_longer_context_takes_more_and_is_known_at_once(large):
    wished = Wished(large)
    usual = wished.residency.estimates.of(large)
    wished.wishes = ModelDefaults(context_tokens=16)
    assert wished.residency.estimates.of(large) < usual
    wished.wishes = ModelDefaults()
    assert wished.residency.estimates.of(large) == usual
    wished.wishes = ModelDefaults(context_tokens=16, is_pinned=True)
    wished.load()
    assert wished.backend.options.context_tokens == 16
    assert wished.residency.pinned == {large.path}
    assert wished.residency.estimates.options(replace(large)).target is CPU_TARGET
