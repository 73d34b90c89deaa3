"""Places in the batch and the KV that stays in them: who may start, and what of its prompt is known already.

A slot is one sequence id of the context. A running sequence holds one and has all the cells it may ever need reserved,
so it can never run out of KV half-way. When it ends, its KV stays in the slot until the conversation's next turn takes
it up or somebody else needs the room; the slot unused for longest goes first.
"""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

_SHARED_MINIMUM_TOKENS = 16  # a guess: below this, sharing a prefix saves less than a step


class SequenceMemory(Protocol):
    """The KV cache operations that slots need; `DecodeContext` has them."""

    cells: int

    def trim(self, sequence_id: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence; False if a part cannot be dropped."""

    def clear(self, sequence_id: int) -> None:
        """Forget a sequence."""

    def copy(self, source_id: int, target_id: int, length: int) -> None:
        """Share the first `length` tokens of another sequence."""


@dataclass(slots=True, eq=False)
class Slot:
    """One sequence id.

    Attributes:
        id: llama.cpp's sequence id.
        tokens: tokens whose KV is in the cache, in order.
        reserved: cells promised to the running sequence; 0 while the slot is idle.
        last_used: counts admissions; the smallest is evicted first.
    """

    id: int
    tokens: list[int] = field(default_factory=list)
    reserved: int = 0
    last_used: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether no sequence runs in it."""
        return self.reserved == 0

    @property
    def cells(self) -> int:
        """Cells it uses or may come to use; shared ones are counted in each slot, which errs on the safe side."""
        return self.reserved or len(self.tokens)


class SlotTable:
    """All slots of one context.

    Attributes:
        can_share: whether a prefix can be shared or a tail dropped; recurrent models keep one state for it all.

    Thread: lane only.
    """

    def __init__(self, memory: SequenceMemory, count: int, *, can_share: bool) -> None:
        self.can_share = can_share
        self._memory = memory
        self._slots = [Slot(index) for index in range(count)]
        self._admissions = 0

    def take(self, tokens: tuple[int, ...], max_tokens: int) -> Slot | None:
        """Reserve a slot for a prompt and its answer; None if there is no slot or no room now.

        On return the slot's `tokens` are the part of the prompt whose KV is there already, always less than the whole
        prompt: its last token is computed again, because its logits are needed.
        """
        need = len(tokens) + max_tokens
        busy_cells = sum(slot.cells for slot in self._slots if not slot.is_idle)
        idle = [slot for slot in self._slots if slot.is_idle]
        if not idle or busy_cells + need > self._memory.cells:
            return None
        source, shared = self._best_source(tokens)
        slot = self._place_for(source, shared, idle)
        if source is slot:
            self._keep(slot, shared)
        else:
            self._reset(slot)
            if source is not None:
                self._memory.copy(source.id, slot.id, shared)
                slot.tokens = list(tokens[:shared])
        self._admissions += 1
        slot.reserved, slot.last_used = need, self._admissions
        self._evict_until_it_fits()
        return slot

    def give_back(self, slot: Slot, *, keep: bool) -> None:
        """End the use of a slot; `keep` leaves its KV for a next turn."""
        slot.reserved = 0
        if not keep:
            self._reset(slot)

    def evict_idle(self) -> bool:
        """Forget every idle conversation; False if there was none."""
        idle = [slot for slot in self._slots if slot.is_idle and slot.tokens]
        for slot in idle:
            self._reset(slot)
        return bool(idle)

    def _best_source(self, tokens: tuple[int, ...]) -> tuple[Slot | None, int]:
        """The slot that shares the longest usable prefix with the prompt, idle ones first among equals."""
        best: Slot | None = None
        best_length = 0
        for slot in sorted(self._slots, key=lambda slot: (not slot.is_idle, -slot.last_used)):
            length = min(common_prefix(slot.tokens, tokens), len(tokens) - 1)
            if self._is_usable(slot, length) and length > best_length:
                best, best_length = slot, length
        return best, best_length

    def _is_usable(self, slot: Slot, length: int) -> bool:
        if not self.can_share:  # the state of such a model can only be continued exactly where it ended
            return slot.is_idle and 0 < length == len(slot.tokens)
        return slot.is_idle or length >= _SHARED_MINIMUM_TOKENS

    def _place_for(self, source: Slot | None, shared: int, idle: list[Slot]) -> Slot:
        """The source itself if this continues its conversation, else an empty slot, else the one unused for longest."""
        if source is not None and source.is_idle and (not self.can_share or 2 * shared >= len(source.tokens)):
            return source
        return min(idle, key=lambda slot: (bool(slot.tokens), slot is source, slot.last_used))

    def _keep(self, slot: Slot, length: int) -> None:
        if length == len(slot.tokens):
            return
        if self._memory.trim(slot.id, length):
            del slot.tokens[length:]
        else:
            self._reset(slot)

    def _reset(self, slot: Slot) -> None:
        if slot.tokens:
            self._memory.clear(slot.id)
            slot.tokens = []

    def _evict_until_it_fits(self) -> None:
        idle = sorted((slot for slot in self._slots if slot.is_idle and slot.tokens), key=lambda slot: slot.last_used)
        for slot in idle:
            if sum(slot.cells for slot in self._slots) <= self._memory.cells:
                return
            self._reset(slot)


def common_prefix(first: list[int], second: tuple[int, ...]) -> int:
    """Number of leading tokens that two sequences share."""
    length = min(len(first), len(second))
    differs = np.fromiter(first[:length], np.int32, length) != np.fromiter(second[:length], np.int32, length)
    return int(differs.argmax()) if differs.any() else length
