"""Command: something that the window can do, as the palette offers it; and how well it answers what was typed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_START = 8.0  # the match begins a word
_NEXT = 4.0  # the match follows the one before it
_GAP = 0.2  # every letter that is left out between two matches
_WEAK = 0.4  # what matches less well than this share of the best is no answer
_SECOND = 0.5  # a match in the words beside the title counts this much


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the palette.

    Attributes:
        title: what it does, a verb and its object.
        run: does it.
        icon: file name in `resources/icons` without `.svg`.
        detail: what it belongs to, in a word or a sentence; searched too.
        keys: its shortcut, as Qt writes them portably; empty for none.
    """

    title: str
    run: Callable[[], None]
    icon: str = "play"
    detail: str = ""
    keys: str = ""


def search(commands: Sequence[Command], typed: str) -> list[Command]:
    """Those commands that have all typed letters in their order, the best first; all of them where nothing is typed."""
    words = typed.casefold().split()
    if not words:
        return list(commands)
    scored = [(_score_of(command, words), command) for command in commands]
    least = _WEAK * max((score for score, _ in scored), default=0.0)
    return [command for score, command in sorted(scored, key=lambda entry: -entry[0]) if score > least]


def _score_of(command: Command, words: Sequence[str]) -> float:
    """Sum over the words, each where it matches best; 0 if one does not match at all."""
    total = 0.0
    for word in words:
        best = max(match(word, command.title), _SECOND * match(word, command.detail))
        if best <= 0:
            return 0.0
        total += best
    return total


def match(word: str, text: str) -> float:
    """How well the letters of a word are found in a text, in their order; 0 if they are not."""
    folded = text.casefold()
    best = 0.0
    start = folded.find(word[0])
    while start >= 0:
        best = max(best, _match_from(word, folded, start))
        start = folded.find(word[0], start + 1)
    return best


def _match_from(word: str, text: str, start: int) -> float:
    score, before = 0.0, start - 1
    for letter in word:
        at = text.find(letter, before + 1)
        if at < 0:
            return 0.0
        if at == 0 or not text[at - 1].isalnum():
            score += _START
        elif at == before + 1 and at > start:
            score += _NEXT
        else:
            score += 1.0 - min(0.9, _GAP * (at - before - 1))
        before = at
    return score + 1.0 / (1 + len(text))  # of equals the shorter one
