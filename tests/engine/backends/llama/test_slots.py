"""Slots against a model of the KV cache: whatever happens, the table knows exactly what the cache holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.llama.parking import ParkedState, ParkingLot, common_prefix
from engine.backends.llama.slots import SlotTable

CELLS = 120


class RecordedMemory:
    """A KV cache that only remembers which tokens each sequence has; it can refuse to drop a part."""

    def __init__(self, *, can_trim: bool = True) -> None:
        self.cells = CELLS
        self.window = 0
        self.sequences: dict[int, list[int]] = {}
        self._can_trim = can_trim

    def trim(self, sequence_id: int, length: int) -> bool:
        if self._can_trim:
            del self.sequences[sequence_id][length:]
        return self._can_trim

    def clear(self, sequence_id: int) -> None:
        self.sequences[sequence_id] = []

    def copy(self, source_id: int, target_id: int, length: int) -> bool:
        assert not self.sequences.get(target_id)
        if self._can_trim:
            self.sequences[target_id] = self.sequences[source_id][:length]
        return self._can_trim

    def state_bytes(self, sequence_id: int) -> int:
        return 4 * len(self.sequences[sequence_id])

    def save(self, sequence_id: int) -> np.ndarray:
        return np.array(self.sequences[sequence_id], np.int32).view(np.uint8)

    def restore(self, sequence_id: int, state: np.ndarray) -> bool:
        assert not self.sequences.get(sequence_id)
        self.sequences[sequence_id] = state.view(np.int32).tolist()
        assert sum(map(len, self.sequences.values())) <= CELLS
        return True

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
    table = SlotTable(memory, 3, ParkingLot(200), can_share=can_share)
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
        assert sum(max(each.reserved, len(each.tokens)) for each in table._slots) <= CELLS
        assert table.parked.used_bytes == sum(one.state.nbytes for one in table.parked._parked) <= 200


@pytest.mark.parametrize("can_share", [True, False])
@settings(deadline=None)
@given(actions=actions)
def test_what_is_interrupted_stays_whole_while_there_is_room(actions, can_share):
    memory = RecordedMemory()
    table = SlotTable(memory, 3, ParkingLot(1 << 20), can_share=can_share)
    interrupted = {}  # owner: what it had read
    running = []  # slot, owner
    for prompt, max_tokens, read, keep in actions:
        if interrupted and not keep:
            owner, tokens = interrupted.popitem()
            slot = table.take((*tokens, 8), max_tokens, owner)
            if slot is None:
                interrupted[owner] = tokens
            else:
                assert slot.tokens == tokens
                running.append((slot, owner))
        elif (slot := table.take(prompt, max_tokens)) is not None:
            rest = [*prompt[len(slot.tokens) :], *[9] * max_tokens][:read]
            memory.decode(slot.id, rest)
            slot.tokens.extend(rest)
            running.append((slot, object()))
        if running and (slot is None or read % 2):
            slot, owner = running.pop(0)
            interrupted[owner] = list(slot.tokens)
            table.give_back(slot, keep=True, owner=owner)
        for each in table._slots:
            assert memory.sequences.get(each.id, []) == each.tokens


def test_an_interrupted_sequence_is_dropped_last():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(200), can_share=True)
    slot = table.take(LONG, 4)
    memory.decode(slot.id, list(LONG))
    slot.tokens.extend(LONG)
    table.give_back(slot, keep=True, owner="it")
    used(table, memory, OTHER)
    used(table, memory, tuple(range(300, 340)))
    assert table.take((*LONG, 1), 4, "it").tokens == list(LONG)
    assert all(state.owner is None for state in table.parked.states())


def test_a_slot_that_is_not_kept_is_empty():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(0), can_share=True)
    slot = table.take((1, 2, 3), 4)
    memory.decode(slot.id, [1, 2])
    slot.tokens.extend([1, 2])
    table.give_back(slot, keep=False)
    assert memory.sequences[slot.id] == []
    assert table.take((1, 2, 3), 4).tokens == []


def test_parking_idle_conversations_spares_the_running_ones():
    memory = RecordedMemory()
    table = SlotTable(memory, 2, ParkingLot(0), can_share=True)
    idle, running = table.take((1, 2), 4), table.take((5, 6), 4)
    for slot in (idle, running):
        memory.decode(slot.id, [7])
        slot.tokens.append(7)
    table.give_back(idle, keep=True)
    assert table.park_idle()
    assert (idle.tokens, running.tokens) == ([], [7])
    assert not table.park_idle()


LONG, OTHER = tuple(range(100, 140)), tuple(range(200, 240))


def used(table, memory, prompt):
    slot = table.take(prompt, 4)
    rest = list(prompt[len(slot.tokens) :])
    memory.decode(slot.id, rest)
    slot.tokens.extend(rest)
    table.give_back(slot, keep=True)


def test_what_cannot_be_trimmed_is_only_continued_exactly():
    memory = RecordedMemory()
    table = SlotTable(memory, 2, ParkingLot(1000), can_share=False)
    used(table, memory, LONG)
    assert table.take((*LONG[:30], 7), 4).tokens == []
    assert tuple(table.take((*LONG, 7), 4).tokens) == LONG


def test_a_conversation_gives_way_to_another_and_comes_back():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(1000), can_share=True)
    used(table, memory, LONG)
    used(table, memory, OTHER)
    assert len(table.parked._parked) == 1
    slot = table.take((*LONG, 7), 4)
    assert tuple(slot.tokens) == LONG
    assert [tuple(one.tokens) for one in table.parked._parked] == [OTHER]


def test_only_running_sequences_stay_in_the_cache():
    memory = RecordedMemory()
    table = SlotTable(memory, 3, ParkingLot(1000), can_share=True)
    used(table, memory, LONG)
    slot = table.take(OTHER, 4)
    assert {key for key, tokens in memory.sequences.items() if tokens} <= {slot.id}


def test_the_start_of_a_parked_conversation_is_copied_and_it_stays_parked():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(1000), can_share=True)
    used(table, memory, LONG)
    used(table, memory, OTHER)
    slot = table.take((*LONG[:18], 7), 4)
    assert tuple(slot.tokens) == LONG[:18]
    assert {tuple(one.tokens) for one in table.parked._parked} == {LONG, OTHER}


def test_with_one_slot_an_idle_conversation_is_parked_and_its_start_used():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(1000), can_share=True)
    used(table, memory, LONG)
    slot = table.take((*LONG[:18], 7), 4)
    assert tuple(slot.tokens) == LONG[:18]
    assert [tuple(one.tokens) for one in table.parked._parked] == [LONG]


def test_the_parking_lot_drops_what_was_unused_for_longest():
    lot = ParkingLot(100)
    for last_used in (3, 1, 2):
        lot.add(ParkedState(tokens=[last_used], state=np.zeros(40, np.uint8), last_used=last_used))
    assert [parked.tokens for parked in lot._parked] == [[2], [3]]
    assert lot.used_bytes == 80
    assert not lot.has_room_for(101)
    assert lot.has_room_for(100)


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


def test_room_is_made_before_a_conversation_is_copied():
    memory = RecordedMemory()
    table = SlotTable(memory, 1, ParkingLot(4 * 50), can_share=True)
    copied = []

    def save(sequence_id):
        copied.append(table.parked.used_bytes + memory.state_bytes(sequence_id))
        return RecordedMemory.save(memory, sequence_id)

    memory.save = save
    for number in range(4):
        used(table, memory, tuple(range(100 * number, 100 * number + 40)))
    assert copied == [160, 160, 160]
