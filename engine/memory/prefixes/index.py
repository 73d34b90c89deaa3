"""PrefixIndex: which kept state shares the longest beginning with a prompt. Pure: no files, no threads.

Tokens are looked at in blocks. Every state is noted under the digest of its first block, of its first two, and so on;
a prompt follows these digests until there is none that fits, and compares token by token only within the last block.
So the answer takes as many look-ups as blocks are shared, however many states there are.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

BLOCK_TOKENS: Final = 32
"""Shared beginnings below one block are not found: reading them again costs little."""
_MOST_COMPARED: Final = 64
"""Of many states that share all blocks so many are compared further, the newest; at most a block is lost by that."""

Tokens = NDArray[np.int32]


class Kept(Protocol):
    """A state in the index."""

    @property
    def tokens(self) -> Tokens:
        """Whose KV it is, at least a block of them."""


K = TypeVar("K", bound=Kept)


class PrefixIndex(Generic[K]):
    """The states of one model. Not thread-safe."""

    def __init__(self, *, whole: bool) -> None:
        """Make an empty index.

        Args:
            whole: whether only states are of use all of whose tokens are shared, because the model cannot cut them.
        """
        self._whole = whole
        self._through: dict[bytes, dict[int, K]] = {}  # states by every digest, in the order in which they came
        self._ending: dict[bytes, dict[int, K]] = {}  # states by the digest of their last whole block

    def add(self, kept: K) -> None:
        """Note a state."""
        digest = b""
        for digest, _ in _blocks(kept.tokens):
            self._through.setdefault(digest, {})[id(kept)] = kept
        self._ending.setdefault(digest, {})[id(kept)] = kept

    def remove(self, kept: K) -> None:
        """Forget a state, if it is known."""
        for digest, _ in _blocks(kept.tokens):
            for table in (self._through, self._ending):
                if (states := table.get(digest)) is not None:
                    states.pop(id(kept), None)
                    if not states:
                        del table[digest]

    def longest(self, tokens: Sequence[int] | Tokens) -> tuple[K | None, int]:
        """The state that shares most with a prompt, and how many tokens that are; the newest among equals.

        The last token of a prompt never counts, because its logits are needed.
        """
        ids = np.asarray(tokens, np.int32)
        best: K | None = None
        length = 0
        deepest: tuple[dict[int, K], int] | None = None
        for digest, end in _blocks(ids[:-1]):
            states = self._through.get(digest)
            if states is None:
                break
            deepest = states, end
            if self._whole:
                for kept in self._ending.get(digest, {}).values():
                    if len(kept.tokens) >= length and _begins_with(ids[:-1], kept.tokens):
                        best, length = kept, len(kept.tokens)
        if deepest is None or self._whole:
            return best, length
        states, start = deepest
        for kept in list(states.values())[-_MOST_COMPARED:]:
            shared = start + _common(ids[start:-1], kept.tokens[start:])
            if shared >= length:
                best, length = kept, shared
        return best, length

    def covered(self, tokens: Tokens) -> bool:
        """Whether a longer state makes one of these tokens needless."""
        if self._whole:
            return False
        digest = b""
        for digest, _ in _blocks(tokens):
            if digest not in self._through:
                return False
        longer = self._through.get(digest, {}).values()
        return any(len(kept.tokens) > len(tokens) and _begins_with(kept.tokens, tokens) for kept in longer)

    def covered_by(self, tokens: Tokens) -> list[K]:
        """The states that one of these tokens makes needless: equal ones, and those that are its beginning."""
        return [
            kept
            for digest, _ in _blocks(tokens)
            for kept in self._ending.get(digest, {}).values()
            if _begins_with(tokens, kept.tokens) and (not self._whole or len(kept.tokens) == len(tokens))
        ]


def _blocks(tokens: Tokens) -> Iterator[tuple[bytes, int]]:
    """Digests of the first block, the first two, ... and where each ends."""
    state = hashlib.blake2b(digest_size=12)
    data = np.ascontiguousarray(tokens).view(np.uint8).data
    for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
        state.update(data[4 * (end - BLOCK_TOKENS) : 4 * end])
        yield state.copy().digest(), end


def _begins_with(tokens: Tokens, start: Tokens) -> bool:
    return len(start) <= len(tokens) and bool(np.array_equal(tokens[: len(start)], start))


def _common(first: Tokens, second: Tokens) -> int:
    """Number of leading tokens that two share, up to a block: more they cannot."""
    length = min(len(first), len(second), BLOCK_TOKENS)
    differs = first[:length] != second[:length]
    return int(differs.argmax()) if differs.any() else length
