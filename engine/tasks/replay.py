"""Replay: a kept answer as the stream of events that it was when it was written."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final

from engine.types import Event, Finished, GenerateResult, TextDelta, ThinkingDelta, TokenLogprob

LEAST_LETTERS: Final = 256
MOST_PIECES: Final = 16
"""A reader that shows text as it comes must not be kept from everything else by one that comes all at once."""


async def replay(result: GenerateResult) -> AsyncGenerator[Event]:
    """Yield what is thought, what is said, in pieces, and the result; lets others work between two pieces."""
    thinking, text = _pieces(result.thinking), _pieces(result.text)
    counts = _shares(result.usage.output_tokens, [len(piece) for piece in (*thinking, *text)])
    for piece, count in zip(thinking, counts, strict=False):
        yield ThinkingDelta(piece, count)
        await asyncio.sleep(0)
    logprobs = list(result.logprobs)
    for number, (piece, count) in enumerate(zip(text, counts[len(thinking) :], strict=True), start=1):
        is_last = number == len(text)
        yield TextDelta(piece, count, tuple(logprobs) if is_last else _take(logprobs, len(piece)))
        await asyncio.sleep(0)
    yield Finished(result)


def _pieces(text: str) -> Sequence[str]:
    size = max(LEAST_LETTERS, -(-len(text) // MOST_PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _shares(tokens: int, lengths: Sequence[int]) -> list[int]:
    """Tokens of each piece, by its length; together all of them."""
    total, before, shares = sum(lengths), 0, []
    for end in (sum(lengths[: number + 1]) for number in range(len(lengths))):
        now = tokens * end // total
        shares.append(now - before)
        before = now
    return shares


def _take(logprobs: list[TokenLogprob], letters: int) -> tuple[TokenLogprob, ...]:
    """Those of the tokens that make up so many letters; they are gone from the list."""
    taken: list[TokenLogprob] = []
    while logprobs and letters > 0:
        taken.append(logprobs.pop(0))
        letters -= len(taken[-1].text)
    return tuple(taken)
