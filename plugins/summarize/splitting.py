"""Splitting a text into parts that fit a model, at places where a reader would pause."""

import re
from collections.abc import Callable, Iterator
from typing import Final

Count = Callable[[str], int]
"""Tokens of a text."""

FIRST_CHARS_PER_TOKEN: Final = 3.0  # a guess that holds for most languages; corrected after the first part
MOST_CHARS_PER_TOKEN: Final = 40.0
SAFETY: Final = 0.95  # parts are aimed this much below the limit, so that most fit at once
LEAST_FILL: Final = 0.5  # a pause further back than this share of a part is not worth its waste

# Pauses, the best first: before a heading, between paragraphs, after a line, a sentence, a clause, a word.
_PAUSES: Final = (
    re.compile(r"\n(?=#{1,6} )"),
    re.compile(r"\n\n+"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|[。！？]"),
    re.compile(r"[,;:，；：、]\s*"),
    re.compile(r"\s+"),
)


def parts_of(text: str, most_tokens: int, count: Count) -> Iterator[str]:
    """Split a text into parts.

    Args:
        text: of any length, in lines or in one.
        most_tokens: of a part; at least 1.
        count: how long a text is.

    Yields:
        Parts that together are the text, none of them longer unless one character is.
    """
    place, ratio = 0, FIRST_CHARS_PER_TOKEN
    while place < len(text):
        end = _pause(text, place, place + max(1, int(most_tokens * ratio * SAFETY)))
        tokens = count(text[place:end])
        while tokens > most_tokens and end > place + 1:
            shorter = int((end - place) * min(SAFETY, SAFETY * most_tokens / tokens))
            end = _pause(text, place, place + max(1, shorter))
            tokens = count(text[place:end])
        ratio = min(MOST_CHARS_PER_TOKEN, (end - place) / max(1, tokens))
        yield text[place:end]
        place = end


def _pause(text: str, start: int, end: int) -> int:
    """The last good place to stop in the second half of a stretch; its end if there is none."""
    if end >= len(text):
        return len(text)
    middle = start + int((end - start) * LEAST_FILL)
    for pattern in _PAUSES:
        places = [found.end() for found in pattern.finditer(text, middle, end) if found.end() > start]
        if places:
            return places[-1]
    return end
