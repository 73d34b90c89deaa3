"""What a text model asks of the place where the KV of prompts is kept while no memory is spent on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.backends.conversation import Conversation


@dataclass(frozen=True, slots=True)
class PrefixMatch:
    """A kept state that begins like a prompt.

    Attributes:
        shared: leading tokens that both have; of a model that cannot cut states, all tokens of the state.
        size_bytes: what must be read for it.
        entry: which one; the tier's own.
    """

    shared: int
    size_bytes: int
    entry: object = None


class PrefixTier(Protocol):
    """Keeps states of one model beyond its memory. Whatever goes wrong with it costs speed only.

    Thread: any.
    """

    def find(self, tokens: Sequence[int]) -> PrefixMatch | None:
        """The state that shares most with a prompt; takes less than a millisecond, and reads nothing."""

    def read(self, match: PrefixMatch) -> Conversation | None:
        """Read a state and check it; None if it is gone or damaged. Blocks for as long as the disk takes."""

    def store(self, conversation: Conversation) -> None:
        """Keep a state, as far as there is room; returns at once."""

    def note_saved(self, tokens: int) -> None:
        """Count prompt tokens that were not read again, wherever their KV came from."""


class NoPrefixTier:
    """Keeps nothing."""

    def find(self, tokens: Sequence[int]) -> PrefixMatch | None:
        """Find nothing."""

    def read(self, match: PrefixMatch) -> Conversation | None:
        """Read nothing."""

    def store(self, conversation: Conversation) -> None:
        """Keep nothing."""

    def note_saved(self, tokens: int) -> None:
        """Count nothing."""


class Found:
    """A state that was read for a prompt, until the prompt has its place.

    Attributes:
        conversation: the state; None once it was used or is not needed.
        shared: leading tokens of the prompt that it is good for.
    """

    __slots__ = ("conversation", "shared")

    def __init__(self, conversation: Conversation, shared: int) -> None:
        self.conversation: Conversation | None = conversation
        self.shared = shared

    def drop(self) -> None:
        """Let the memory go: a prompt lives as long as its answer."""
        self.conversation = None
