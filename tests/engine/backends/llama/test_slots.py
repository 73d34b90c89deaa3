"""Slots against a model of the KV cache: whatever happens, the table knows exactly what the cache holds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.llama.slots import SlotTable, common_prefix

CELLS = 120


class RecordedMemory:
    """A KV cache that only remembers which tokens each sequence has; it can refuse to drop a part."""

    def __init__(self, *, can_trim: bool = True) -> None:
        self.cells = CELLS
        self.sequences: dict[int, list[int]] = {}
        self._can_trim = can_trim

    def trim(self, sequence_id: int, length: int) -> bool:
        if self._can_trim:
            del self.sequences[sequence_id][length:]
        return self._can_trim

    def clear(self, sequence_id: int) -> None:
        self.sequences[sequence_id] = []

    def copy(self, source_id: int, target_id: int, length: int) -> None:
        assert not self.sequences.get(target_id)
        self.sequences[target_id] = self.sequences[source_id][:length]

    def decode(self, sequence_id: int, tokens: list[int]) -> None:
        self.sequences.setdefault(sequence_id, []).extend(tokens)


prompts = st.lists(st.integers(0, 2), min_size=1, max_size=40).map(tuple)
actions = st.lists(st.tuples(prompts, st.integers(1, 40), st.integers(0, 60), st.booleans()), max_size=30)


@pytest.mark.parametrize("can_share", [True, False])
@pytest.mark.parametrize("can_trim", [True, False])
@settings(deadline=None)
@given(actions=actions)
def test_the_table_always_knows_what_the_cache_holds(actions, can_share, can_trim):
    memory = RecordedMemory(can_trim=can_trim)
    table = SlotTable(memory, 3, can_share=can_share)
    running = []
    for prompt, max_tokens, read, keep in actions:
        slot = table.take(prompt, max_tokens)
        if slot is not None:
            assert tuple(slot.tokens) == prompt[: len(slot.tokens)]
            assert len(slot.tokens) < len(prompt)
            rest = [*prompt[len(slot.tokens) :], *[9] * max_tokens][:read]
            memory.decode(slot.id, rest)
            slot.tokens.extend(rest)
            running.append(slot)
        elif not running:
            assert len(prompt) + max_tokens > CELLS
        if running and (slot is None or not keep):
            table.give_back(running.pop(0), keep=keep)
        for each in table._slots:
            assert memory.sequences.get(each.id, []) == each.tokens
        assert sum(each.cells for each in table._slots) <= CELLS


def test_what_cannot_be_trimmed_is_only_continued_exactly():
    memory = RecordedMemory()
    table = SlotTable(memory, 2, can_share=False)
    slot = table.take((1, 2, 3), 4)
    memory.decode(slot.id, [1, 2, 3])
    slot.tokens.extend([1, 2, 3])
    table.give_back(slot, keep=True)
    assert table.take((1, 2, 4), 4).tokens == []
    assert table.take((1, 2, 3, 4), 4).tokens == [1, 2, 3]


def test_a_slot_that_is_not_kept_is_empty():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, can_share=True)
    slot = table.take((1, 2, 3), 4)
    memory.decode(slot.id, [1, 2])
    slot.tokens.extend([1, 2])
    table.give_back(slot, keep=False)
    assert memory.sequences[slot.id] == []
    assert table.take((1, 2, 3), 4).tokens == []


def test_evicting_idle_conversations_spares_the_running_ones():
    memory = RecordedMemory()
    table = SlotTable(memory, 2, can_share=True)
    idle, running = table.take((1, 2), 4), table.take((5, 6), 4)
    for slot in (idle, running):
        memory.decode(slot.id, [7])
        slot.tokens.append(7)
    table.give_back(idle, keep=True)
    assert table.evict_idle()
    assert (idle.tokens, running.tokens) == ([], [7])
    assert not table.evict_idle()


@pytest.mark.parametrize(
    ("first", "second", "length"),
    [
        ([], (), 0),
        ([1], (), 0),
        ([1, 2], (1, 2, 3), 2),
        ([1, 2, 3], (1, 2), 2),
        ([1, 5, 3], (1, 2, 3), 1),
        ([4], (5,), 0),
    ],
)
def test_common_prefix(first, second, length):
    assert common_prefix(first, second) == length
