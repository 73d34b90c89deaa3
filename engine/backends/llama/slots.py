"""Places in the batch and the KV that stays in them: who may start, and what of its prompt is known already.

A slot is one sequence id of the context. A running sequence holds one and has all the cells it may ever need reserved,
so it can never run out of KV half-way. When it ends, its KV stays in the slot for the conversation's next turn; if
another request comes first, the KV is parked outside the cache, where it slows nobody down.
"""

import time
from dataclasses import dataclass, field
from typing import Protocol

from engine.backends.conversation import Conversation
from engine.backends.llama.parking import ParkedState, ParkingLot, State, common_prefix
from engine.backends.llama.restore_rates import RestoreRates

_WORTH_KEEPING_TOKENS = 16  # a guess: computing fewer again costs no more than looking after them


class SequenceMemory(Protocol):
    """The KV cache operations that slots need; `KvCache` has them.

    Attributes:
        cells: tokens that it holds, all sequences together.
        window: of the layers that attend to the last tokens only, how many; 0 if there are no such layers.
    """

    cells: int
    window: int

    def trim(self, sequence_id: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence; False if a part cannot be dropped, or some are missing."""

    def clear(self, sequence_id: int) -> None:
        """Forget a sequence."""

    def copy(self, source_id: int, target_id: int, length: int) -> bool:
        """Share the first `length` tokens of another sequence; False if they are not all there."""

    def state_bytes(self, sequence_id: int) -> int:
        """Size of a sequence's state."""

    def save(self, sequence_id: int) -> State:
        """Copy a sequence's state out of the cache."""

    def restore(self, sequence_id: int, state: State) -> bool:
        """Put a state into an empty sequence; False if it does not fit."""


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id.

    Attributes:
        id: llama.cpp's sequence id.
        tokens: tokens whose KV is in the cache, in order.
        reserved: cells promised to the running sequence; 0 while the slot is idle.
        last_used: counts admissions.
        owner: the interrupted sequence that will go on with what is in it, if one will.
    """

    id: int
    tokens: list[int] = field(default_factory=list)
    reserved: int = 0
    last_used: int = 0
    owner: object | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no sequence runs in it."""
        return self.reserved == 0


class SlotTable:
    """All slots of one context.

    Attributes:
        parked: conversations outside the cache.
        rates: how fast states come back.

    Thread: lane only, but for `held`.
    """

    def __init__(
        self,
        memory: SequenceMemory,
        count: int,
        parked: ParkingLot,
        *,
        can_share: bool,
        rates: RestoreRates | None = None,
    ) -> None:
        """Make a table of empty slots.

        Args:
            memory: the KV cache.
            count: number of sequence ids.
            parked: where idle conversations go.
            can_share: whether a prefix can be shared or a tail dropped; recurrent models keep one state for it all.
            rates: how fast states come back; None if that is still to be learned.
        """
        self.parked = parked
        self.rates = RestoreRates() if rates is None else rates
        self._memory = memory
        self._slots = [Slot(index) for index in range(count)]
        self._can_share = can_share
        self._admissions = 0

    @property
    def can_cut_states(self) -> bool:
        """Whether a state from outside the cache can be cut to what a prompt shares with it."""
        return self._can_share and not self._memory.window

    @property
    def can_share(self) -> bool:
        """Whether a prefix can be shared or a tail dropped."""
        return self._can_share

    def take(
        self,
        tokens: tuple[int, ...],
        max_tokens: int,
        owner: object | None = None,
        found: Conversation | None = None,
    ) -> Slot | None:
        """Reserve a slot for a prompt and its answer; None if there is no slot or no room now.

        What belongs to an interrupted sequence stays whole for it: others get a copy of its start.

        Args:
            tokens: to be read.
            max_tokens: that may follow.
            owner: the interrupted sequence that goes on with this; None for a new one.
            found: a state from elsewhere that may be used as well.

        On return the slot's `tokens` are the part of the prompt whose KV is there already, always less than the whole
        prompt: its last token is computed again, because its logits are needed.
        """
        need = len(tokens) + max_tokens
        free_cells = self._memory.cells - sum(slot.reserved for slot in self._slots)
        idle = [slot for slot in self._slots if slot.is_idle]
        if not idle or need > free_cells:
            return None
        self._admissions += 1
        source, shared = self._best_slot(tokens, owner)
        parked, parked_shared = self._best_outside(tokens, shared, found)
        is_worth_it = parked is not None and self.rates.puts_faster(parked.state.nbytes, parked_shared - shared)
        if parked is not None and not is_worth_it:
            self.rates.doubt()
        if parked is not None and is_worth_it and len(parked.tokens) <= free_cells:
            slot = self._resume(parked, parked_shared, idle, owner)
        else:
            slot = self._continue(source, shared, tokens, idle, owner)
        slot.reserved, slot.last_used, slot.owner = need, self._admissions, None
        self.disown(owner)
        self.park_idle()  # also makes room: only running sequences are left in the cache
        return slot

    def give_back(self, slot: Slot, *, keep: bool, owner: object | None = None) -> None:
        """End the use of a slot; `keep` leaves its KV for a next turn, or for an interrupted sequence, its owner."""
        slot.reserved, slot.owner = 0, owner
        if not keep:
            self._reset(slot)

    def park_idle(self) -> bool:
        """Move every idle conversation out of the cache; False if there was none."""
        idle = [slot for slot in self._slots if slot.is_idle and slot.tokens]
        for slot in idle:
            self._park(slot)
        return bool(idle)

    def disown(self, owner: object | None) -> None:
        """Note that an interrupted sequence will not go on: what is kept of it is like any other conversation."""
        if owner is not None:
            self.parked.disown(owner)
            for slot in self._slots:
                if slot.owner is owner:
                    slot.owner = None

    def held(self, tokens: tuple[int, ...]) -> int:
        """Number of tokens of a prompt that a new sequence would find here now. Thread: any."""
        shared = self._best_slot(tokens, None)[1]
        best, length = self._best_outside(tokens, shared, None)
        return length if best is not None and self.rates.puts_faster(best.state.nbytes, length - shared) else shared

    def _best_slot(self, tokens: tuple[int, ...], owner: object | None) -> tuple[Slot | None, int]:
        """The slot that shares the longest usable prefix with the prompt, idle ones first among equals."""
        best: Slot | None = None
        best_length = 0
        for slot in sorted(self._slots, key=lambda slot: (not slot.is_idle, -slot.last_used)):
            length = min(common_prefix(slot.tokens, tokens), len(tokens) - 1)
            if length > best_length and self._is_usable(slot, length, owner):
                best, best_length = slot, length
        return best, best_length

    def _best_outside(
        self, tokens: tuple[int, ...], held: int, found: Conversation | None
    ) -> tuple[ParkedState | None, int]:
        """The state outside the cache that shares the longest usable prefix, if that is longer than what is in it.

        Args:
            tokens: the prompt.
            held: tokens of it that are in the cache.
            found: a state that is not parked.
        """
        best, shared = self.parked.best_for(tokens, self._is_usable_outside)
        if found is not None:
            other = ParkedState(tokens=list(found.tokens), state=found.state, last_used=found.last_used)
            length = min(common_prefix(other.tokens, tokens), len(tokens) - 1)
            if length > shared and self._is_usable_outside(other, length):
                best, shared = other, length
        return (best, shared) if shared > held else (None, 0)

    def _is_usable(self, slot: Slot, length: int, owner: object | None) -> bool:
        if not self._can_share:  # the state of such a model can only be continued exactly where it ended
            return slot.is_idle and length == len(slot.tokens) and (slot.owner is None or slot.owner is owner)
        return slot.is_idle or length >= _WORTH_KEEPING_TOKENS

    def _is_usable_outside(self, state: ParkedState, length: int) -> bool:
        """Whether a state can be put back and cut to this length.

        Of layers with a sliding window llama.cpp writes only the last window into a state. What is left after the cut
        must have a window of its own.
        """
        whole = len(state.tokens)
        if not self._can_share:
            return length == whole
        window = self._memory.window
        return not window or max(0, whole - window) <= max(0, length - window + 1)

    def _continue(
        self, source: Slot | None, shared: int, tokens: tuple[int, ...], idle: list[Slot], owner: object | None
    ) -> Slot:
        """A slot with what is in the cache: the conversation itself, or a copy of the start of another one."""
        if source is not None and source.is_idle:
            is_same = self._is_same_conversation(source, shared, owner)
            if is_same or len(idle) == 1:
                if not is_same:
                    self._save(source)
                self._cut(source, shared)
                return source
        slot = self._emptied(idle, but_not=source)
        if source is not None and self._memory.copy(source.id, slot.id, shared):
            slot.tokens = list(tokens[:shared])
        return slot

    def _resume(self, parked: ParkedState, shared: int, idle: list[Slot], owner: object | None) -> Slot:
        """A slot with a parked conversation, or a copy of its start."""
        slot = self._emptied(idle, but_not=None)
        self.park_idle()
        if self._is_same_conversation(parked, shared, owner):
            self.parked.remove(parked)
        began_s = time.perf_counter()
        if self._memory.restore(slot.id, parked.state):
            self.rates.note_put(parked.state.nbytes, time.perf_counter() - began_s)
            slot.tokens = list(parked.tokens)
            self._cut(slot, shared)
        return slot

    def _is_same_conversation(self, kept: Slot | ParkedState, shared: int, owner: object | None) -> bool:
        """Whether a prompt that shares this much goes on with it, rather than just starting alike."""
        if kept.owner is not None and kept.owner is not owner:
            return False
        return not self._can_share or 2 * shared >= len(kept.tokens)

    def _emptied(self, idle: list[Slot], *, but_not: Slot | None) -> Slot:
        """An idle slot, made empty: one that is, else the one unused for longest; `but_not` only if it is the last."""
        slot = min(idle, key=lambda slot: (slot is but_not, bool(slot.tokens), slot.last_used))
        if slot.tokens:
            self._park(slot)
        return slot

    def _cut(self, slot: Slot, length: int) -> None:
        if length == len(slot.tokens):
            return
        if self._memory.trim(slot.id, length):
            del slot.tokens[length:]
        else:
            self._reset(slot)

    def _park(self, slot: Slot) -> None:
        self._save(slot)
        self._reset(slot)

    def _save(self, slot: Slot) -> None:
        worth_it = len(slot.tokens) >= _WORTH_KEEPING_TOKENS or slot.owner is not None
        size_bytes = self._memory.state_bytes(slot.id) if worth_it else 0
        if worth_it and self.parked.has_room_for(size_bytes):
            self.parked.make_room(size_bytes, slot.last_used, slot.owner)
            state = self._memory.save(slot.id)
            self.parked.add(
                ParkedState(tokens=list(slot.tokens), state=state, last_used=slot.last_used, owner=slot.owner)
            )
        slot.owner = None

    def _reset(self, slot: Slot) -> None:
        if slot.tokens:
            self._memory.clear(slot.id)
            slot.tokens = []
