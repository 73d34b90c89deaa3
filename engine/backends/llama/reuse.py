"""Reuse: what a model knows of a prompt already: in its slots, parked beside them, or kept by the tier behind it."""

import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from engine.backends.base import Conversation, Prompt
from engine.backends.llama.parking import ParkedState
from engine.backends.llama.slots import SlotTable
from engine.backends.prefix_tier import Found, NoPrefixTier, PrefixTier

_WORTH_READING_TOKENS: Final = 32
"""Beginnings that are so much longer than what is in memory are asked of the disk."""
_DISK_WORTH: Final = 0.7
"""What a token found on disk counts, against one that is held in memory: it has still to be put into the cache."""


class Reuse:
    """Finds states for prompts.

    Attributes:
        tier: keeps what memory has no room for.

    Thread: `look_up` on any, everything else on the lane's.
    """

    def __init__(self, slots: SlotTable) -> None:
        self.tier: PrefixTier = NoPrefixTier()
        self._slots = slots
        slots.parked.on_dropped = self._put_down
        self._travelling: weakref.WeakSet[Conversation] = weakref.WeakSet()  # guarded by _lock
        self._lock = threading.Lock()

    @property
    def travelling_bytes(self) -> int:
        """Memory of states that were read for prompts which wait for a place. Thread: any."""
        with self._lock:
            return sum(int(one.state.nbytes) for one in self._travelling)

    def look_up(self, prompt: Prompt, written: Sequence[int] = ()) -> Prompt:
        """The prompt with a state from the tier, if reading one is faster than reading the prompt.

        Args:
            prompt: to be read soon.
            written: tokens of its answer that are read behind it.
        """
        if (found := self._found(prompt.tokens + tuple(written))) is None and prompt.found is None:
            return prompt
        return replace(prompt, found=found)

    def held(self, prompt: Prompt) -> int:
        """Number of tokens of a prompt that need not be read again; those on disk count for somewhat less."""
        found = prompt.found
        on_disk = 0 if found is None or found.conversation is None else int(_DISK_WORTH * found.shared)
        return max(self._slots.held(prompt.tokens), on_disk)

    def used(self, prompt: Prompt, cached_tokens: int) -> None:
        """Note that a prompt has its place, and how much of it was known."""
        self.tier.note_saved(cached_tokens)
        if prompt.found is not None:
            prompt.found.drop()

    def _found(self, tokens: tuple[int, ...]) -> Found | None:
        match = self.tier.find(tokens)
        if match is None:
            return None
        gained = match.shared - self._slots.held(tokens)
        if gained < _WORTH_READING_TOKENS:
            return None
        if not self._slots.rates.reads_faster(match.size_bytes, gained):
            self._slots.rates.doubt()
            return None
        travelling = self.travelling_bytes
        if match.size_bytes + travelling > self._slots.parked.limit_bytes and travelling:
            return None  # many prompts wait, and memory is for those that run
        began_s = time.perf_counter()
        conversation = self.tier.read(match)
        if conversation is None:
            return None
        self._slots.rates.note_read(match.size_bytes, time.perf_counter() - began_s)
        with self._lock:
            self._travelling.add(conversation)
        return Found(conversation, match.shared)

    def _put_down(self, parked: ParkedState) -> None:
        self.tier.store(Conversation(tuple(parked.tokens), parked.state, parked.last_used))
