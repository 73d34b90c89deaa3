"""What two models are compared by: a row for each fact, and what the difference is, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.models.hub_words import stated_licence
from app.models.words import count_words, fit_look, is_text, size_words, speed_words, use_words
from app.usage import NBSP, UNKNOWN, percent
from engine import FitVerdict, ModelCard, Trust

_CLEAR: Final = 0.005  # of a number: less is called the same
_TIMES: Final = 1.1  # from here on a factor is said
_TRUST: Final = {
    Trust.INCLUDED: "Came with Hearth",
    Trust.PASSED: "Tried out, passed",
    Trust.UNTRIED: "Header is sound, not tried yet",
    Trust.REFUSED: "Refused",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A fact of two models.

    Attributes:
        title: what it is.
        left: of the first model, in words.
        right: of the second one.
        note: what the difference is; empty where they are the same, or nothing is known.
        better: -1 if the first is better, 1 if the second is, 0 if there is no better.
    """

    title: str
    left: str
    right: str
    note: str = ""
    better: int = 0

    @property
    def is_other(self) -> bool:
        """Whether the two differ."""
        return bool(self.note)


@dataclass(frozen=True, slots=True)
class Side:
    """A model to compare, with its verdict where that is known by now, or why there is none."""

    card: ModelCard
    verdict: FitVerdict | None = None
    reason: str = ""


class Number(NamedTuple):
    """A number to compare: its title, where it comes from, how it is said, and what the larger one is.

    `sign` is 1 where more is better, -1 where less is, 0 where neither is.
    """

    title: str
    get: Callable[[Side], float | None]
    say: Callable[[float], str]
    larger: str
    sign: int = 0


def compared(left: Side, right: Side) -> tuple[Compared, ...]:
    """All facts of two models, side by side; what is known of neither is left out."""
    numbers = [_number(number, left, right) for number in _numbers(left, right)]
    facts = (_fit(left, right), *numbers, *_facts(left, right))
    return tuple(fact for fact in facts if (fact.left, fact.right) != (UNKNOWN, UNKNOWN))


def _facts(left: Side, right: Side) -> list[Compared]:
    def fact(title: str, say: Callable[[ModelCard], str]) -> Compared:
        one, other = say(left.card) or UNKNOWN, say(right.card) or UNKNOWN
        is_known = UNKNOWN not in (one, other)
        return Compared(title, one, other, "differs" if one != other and is_known else "")

    return [
        fact("Good for", lambda card: use_words(card.info.accepts)),
        fact("Family", lambda card: card.info.architecture),
        fact("Format", lambda card: card.info.format.upper()),
        fact("Type of weights", lambda card: card.info.quantization or ""),
        fact("Licence", lambda card: stated_licence(card.info.licence or "")),
        fact("Chat template", lambda card: _template(card)),
        fact("Made from", lambda card: card.provenance.made_from),
        fact("Checked", lambda card: _TRUST[card.gate.trust]),
    ]


def _template(card: ModelCard) -> str:
    return f"its own, {card.template_sha256[:8]}" if card.template_sha256 else "its own" if card.template else "none"


def _numbers(left: Side, right: Side) -> tuple[Number, ...]:
    is_written = is_text(left.card.info.accepts)
    is_alike = is_written == is_text(right.card.info.accepts)  # else tokens would stand beside pictures

    def speed(value: float) -> str:
        return speed_words(value, is_text=is_written)

    return (
        Number("Memory", lambda side: side.verdict.needed_bytes if side.verdict else None, size_words, "as much", -1),
        Number("Size on disk", lambda side: side.card.info.size_bytes, size_words, "as large", -1),
        Number("Measured speed", lambda side: side.card.tokens_per_s if is_alike else None, speed, "as fast", 1),
        Number("Predicted speed", lambda side: _predicted(side) if is_alike else None, speed, "as fast", 1),
        *_REPORT,
        Number("Weights", lambda side: side.card.info.parameters, lambda value: count_words(int(value)), "as many"),
        Number("Longest context", lambda side: side.card.info.context_tokens, _tokens, "as long", 1),
    )


def _predicted(side: Side) -> float | None:
    return side.verdict.tokens_per_s if side.verdict is not None else None


def _of_report(name: str) -> Callable[[Side], float | None]:
    def get(side: Side) -> float | None:
        value = getattr(side.card.report, name, None)
        return float(value) if value is not None else None

    return get


def _fit(left: Side, right: Side) -> Compared:
    if left.verdict is None or right.verdict is None:
        return Compared("Fits this computer", _fit_words(left), _fit_words(right))
    order = ("fits", "paging", "no")
    step = order.index(left.verdict.fit.value) - order.index(right.verdict.fit.value)
    better = (step > 0) - (step < 0)
    return Compared("Fits this computer", _fit_words(left), _fit_words(right), "differs" if step else "", better)


def _fit_words(side: Side) -> str:
    if side.verdict is None:
        return "Not known" if side.reason else "Looking…"
    return fit_look(side.verdict.fit).words


def _number(number: Number, left: Side, right: Side) -> Compared:
    values = number.get(left), number.get(right)
    words = tuple(number.say(value) if value is not None else UNKNOWN for value in values)
    one, other = values
    if not one or not other or abs(one - other) <= _CLEAR * max(one, other) or words[0] == words[1]:
        return Compared(number.title, words[0], words[1])
    larger = -1 if one > other else 1
    times = max(one, other) / min(one, other)
    which = "A" if larger < 0 else "B"
    factor = f"{times:.1f}" if times < 9.95 else f"{times:,.0f}"
    note = f"{which} {factor}{NBSP}× {number.larger}" if times >= _TIMES else f"{which} a little more"
    return Compared(number.title, words[0], words[1], note, number.sign * larger)


def _tokens(value: float) -> str:
    return f"{value:,.0f} tokens"


def _share(value: float) -> str:
    return f"{100 * value:.1f}{NBSP}%"


def _times(value: float) -> str:
    return f"{value:.1f}{NBSP}×"


_REPORT: Final = (
    Number("Kept of its source", _of_report("kept"), _share, "as much", 1),
    Number("First choice as its source", _of_report("same_top_share"), _share, "as often", 1),
    Number("Size of its source", _of_report("size_ratio"), percent, "as large", -1),
    Number("Faster than its source", _of_report("decode_speedup"), _times, "as much", 1),
)
"""What the report of a model says that was made here."""
