"""One request in the batch of a text model: what it reads, where its KV is, and what it has written."""

from dataclasses import dataclass, field
from typing import Final

from engine.backends.base import Prompt
from engine.backends.llama.answer import AnswerText
from engine.backends.llama.drafting import Drafter
from engine.backends.llama.sampling import Sampler
from engine.backends.llama.slots import Slot

_NOWHERE: Final = -1


@dataclass(slots=True, eq=False, kw_only=True)
class LlamaSequence:
    """One request in the batch.

    Attributes:
        prompt: what is answered.
        slot: its place; `slot.tokens` are in the KV cache.
        sampler: chooses its tokens.
        answer: its text so far.
        ends: tokens that end it, beside the model's own.
        cached_tokens: prompt tokens that were in the KV cache when it was admitted.
        next_token: chosen last, not in the KV cache yet.
        output_tokens: chosen so far.
        resumed: tokens of its answer that were written elsewhere, or before it was suspended; they are read like the
            prompt, as far as their KV is not there.
        drafter: guesses what it will write; None if it writes one token per step.
        failed: whether its KV can no longer be trusted.
    """

    prompt: Prompt
    slot: Slot
    sampler: Sampler
    answer: AnswerText
    ends: frozenset[int]
    cached_tokens: int
    drafter: Drafter | None = None
    resumed: tuple[int, ...] = ()
    tokens: tuple[int, ...] = field(init=False)
    prompt_tokens: int = field(init=False)
    next_token: int = -1
    output_tokens: int = 0
    failed: bool = False

    def __post_init__(self) -> None:
        self._read_first(self.resumed)
        self.output_tokens = len(self.resumed)

    @property
    def is_suspended(self) -> bool:
        """Whether it has no place in the batch."""
        return self.slot.id == _NOWHERE

    def leave(self) -> None:
        """Give up its slot; what it has written so far will be read before it goes on."""
        self._read_first(self.written_tokens)
        self.slot = Slot(_NOWHERE)

    def _read_first(self, written: tuple[int, ...]) -> None:
        self.resumed = written
        self.tokens = self.prompt.tokens + written
        self.prompt_tokens = len(self.tokens)

    @property
    def prefilled_tokens(self) -> int:
        """Prompt tokens in the KV cache now."""
        return min(len(self.slot.tokens), self.prompt_tokens)

    @property
    def is_prefilling(self) -> bool:
        """Whether part of the prompt is still to be read."""
        return len(self.slot.tokens) < self.prompt_tokens

    @property
    def draft_room(self) -> int:
        """Tokens that may be drafted in the next step: one fewer than may be chosen, in the cells that it has."""
        left = min(self.prompt.max_tokens - self.output_tokens, self.slot.reserved - len(self.slot.tokens))
        return max(0, left - 1)

    @property
    def written_tokens(self) -> tuple[int, ...]:
        """Token ids chosen so far, also those written elsewhere."""
        if self.is_prefilling or self.output_tokens == len(self.resumed):
            return self.resumed
        return (*self.slot.tokens[len(self.prompt.tokens) :], self.next_token)
