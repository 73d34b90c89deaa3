"""Drafts: tokens that may come next, guessed from what stood before, so that one step can write several.

A step reads all weights once, however many rows it computes. Where reading is what takes the time, rows that turn out
wrong cost next to nothing, and each one that turns out right saves a step.

The guess is prompt lookup decoding (Apoorv Saxena, 2023, github.com/apoorvumang/prompt-lookup-decoding): the last few
tokens have stood in the prompt or in the answer before, so what followed them then may follow now. Nothing is left to
the guess: every token is chosen by its sequence's own sampler, and a draft only says which rows are computed ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_DRAFT: Final = 15
"""Most tokens that are drafted for a sequence in one step. With the token before it that makes 16 rows, of which
llama.cpp computes four at a time: on two cores, all weights in memory, 4, 8, 12 and 16 rows took 1.7, 2.8, 3.4 and 4.4
times as long as one (shape 1b, q8_0), and 17 rows 5.8 times."""
DRAFT_ROWS: Final = 16
"""Most tokens that are drafted in one step for all sequences together; each takes a row of logits."""

_FIRST_DRAFT: Final = 3
_SHORT_REST_STEPS: Final = 4
_LONG_REST_STEPS: Final = 32
"""Rests, which double from the one to the other while nothing is accepted. Guesses: one row in 33 is not felt, and a
passage that begins to repeat is noticed within a line or two."""


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """What became of the tokens that were drafted.

    Attributes:
        drafted: rows that were computed ahead.
        accepted: of these, tokens that were then chosen.
    """

    drafted: int = 0
    accepted: int = 0

    def plus(self, drafted: int, accepted: int) -> "DraftCounts":
        """These and one more draft."""
        return DraftCounts(self.drafted + drafted, self.accepted + accepted)


class PromptLookup:
    """Finds what followed the last tokens of a text when they stood in it before.

    Each pair and triple of tokens is kept with the place behind its latest occurrence, so a token costs the same
    wherever it stands. What stands at the very end has nothing behind it yet and is added with the next token.
    """

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        self._tokens = list(tokens)
        self._indexed = 0  # tokens that are known as what follows others
        self._behind_pair: dict[tuple[int, int], int] = {}
        self._behind_triple: dict[tuple[int, int, int], int] = {}

    def push(self, token: int) -> None:
        """Add the next token."""
        self._tokens.append(token)

    def propose(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that may follow; none if the last two have not stood anywhere before.

        What repeats with a period shorter than that is taken to go on repeating.
        """
        tokens = self._tokens
        self._index()
        if most < 1 or len(tokens) < 3:
            return ()
        start = self._behind_triple.get((tokens[-3], tokens[-2], tokens[-1]))
        if start is None:
            start = self._behind_pair.get((tokens[-2], tokens[-1]))
        if start is None:
            return ()
        found = tokens[start : start + most]
        period = len(found)
        return tuple(found[place % period] for place in range(most)) if period < most else tuple(found)

    def _index(self) -> None:
        tokens = self._tokens
        for place in range(max(2, self._indexed), len(tokens)):
            self._behind_pair[tokens[place - 2], tokens[place - 1]] = place
            if place > 2:
                self._behind_triple[tokens[place - 3], tokens[place - 2], tokens[place - 1]] = place
        self._indexed = len(tokens)


class DraftLength:
    """How much is worth drafting for a sequence, from what became of its latest drafts: text that does not repeat
    rests from drafts nearly always, text that does gets longer ones each time: 3, 7 and 15 tokens.

    The same tokens always give the same lengths: it does not look at a clock, so answers can be repeated exactly.
    """

    def __init__(self) -> None:
        self._length = _FIRST_DRAFT
        self._resting = 0
        self._next_rest = _SHORT_REST_STEPS

    def pick(self) -> int:
        """Tokens to draft in the next step, from 0, while it rests, to `LONGEST_DRAFT`."""
        if self._resting:
            self._resting -= 1
            return 0
        return self._length

    def judge(self, drafted: int, accepted: int) -> None:
        """Learn from a draft of at least one token."""
        if accepted == drafted:
            self._length = min(LONGEST_DRAFT, max(self._length, 2 * drafted + 1))
        else:
            self._length = max(accepted, drafted // 2)
        if accepted:
            self._next_rest = _SHORT_REST_STEPS
        if not self._length:
            self._length, self._resting = 1, self._next_rest
            self._next_rest = min(_LONG_REST_STEPS, 2 * self._next_rest)


class Drafter:
    """Drafts for one sequence.

    Thread: lane only.
    """

    def __init__(self, tokens: Iterable[int]) -> None:
        """Begin with what is read before the first token is chosen; it is looked at when the first draft is made."""
        self._lookup = PromptLookup(tokens)
        self._length = DraftLength()

    def push(self, token: int) -> None:
        """Take account of a token that was chosen."""
        self._lookup.push(token)

    def draft(self, most: int) -> tuple[int, ...]:
        """What may follow, `most` tokens at most; to be asked once per step."""
        length = min(most, self._length.pick())
        return self._lookup.propose(length) if length > 0 else ()

    def judge(self, drafted: int, accepted: int) -> None:
        """Take account of what became of a draft of at least one token."""
        self._length.judge(drafted, accepted)


def share_rows(wanted: Sequence[int], rows: int) -> list[int]:
    """Share rows out so that nobody gets less than another unless it wants less; returned in the order of `wanted`."""
    shares = [0] * len(wanted)
    in_order = sorted(range(len(wanted)), key=wanted.__getitem__)
    for done, place in enumerate(in_order):
        shares[place] = min(wanted[place], rows // (len(wanted) - done))
        rows -= shares[place]
    return shares
