"""What is said about a verdict: its lines with their colours, by how much it misses the budget, what would help."""

from dataclasses import dataclass
from typing import Final

from app.models.fit_book import Judgement
from app.models.words import GIGA, MEGA, size_words, speed_words
from app.usage import NBSP
from engine import Fit, FitVerdict

_NAMES: Final = {"KV cache": "Context"}
_ROLES: Final = {
    "Weights": "chart-1",
    "Copies for speed": "chart-5",
    "KV cache": "chart-4",
    "Conversations": "chart-3",
    "Compute buffers": "chart-6",
    "Vocabulary": "chart-2",
    "Program": "chart-7",
}
_OTHER: Final = "chart-8"


@dataclass(frozen=True, slots=True)
class Line:
    """One part of what a model takes: its name, a quiet note, its bytes, and its colour."""

    name: str
    note: str
    size_bytes: int
    role: str


@dataclass(frozen=True, slots=True)
class Note:
    """What is wrong with a verdict, and what would help.

    Attributes:
        kind: of the banner.
        icon: before it.
        role: colour of the icon.
        lead: what is wrong, said loudly.
        rest: the numbers, and what would help.
        context_tokens: what a button sets; 0 for no button.
    """

    kind: str
    icon: str
    role: str
    lead: str
    rest: str
    context_tokens: int = 0


def lines_of(verdict: FitVerdict) -> tuple[Line, ...]:
    """All of it, with the weights that would be read from disk again and again where they belong."""
    lines = []
    for line in verdict.lines:
        size_bytes, note = line.size_bytes, line.note
        if line.name == "Weights" and verdict.streamed_bytes:
            size_bytes += verdict.streamed_bytes
            note = f"{size_words(verdict.streamed_bytes)} of them from disk"
        elif line.name == "KV cache" and verdict.context_tokens:
            note = f"{verdict.context_tokens:,} tokens an answer"
        lines.append(Line(_NAMES.get(line.name, line.name), note, size_bytes, _ROLES.get(line.name, _OTHER)))
    return tuple(lines)


def needed_bytes(verdict: FitVerdict) -> int:
    """All that a model would take if nothing of it were read again and again."""
    return verdict.needed_bytes + verdict.streamed_bytes


def part_words(size_bytes: int, whole_bytes: int) -> str:
    """A part in the unit of the whole, so that what is added up can be."""
    if whole_bytes >= GIGA:
        return f"{size_bytes / GIGA:,.2f}{NBSP}GB"
    return f"{size_bytes / MEGA:,.1f}{NBSP}MB"


def gap_words(verdict: FitVerdict) -> str:
    """By how much it misses the budget, or what it leaves."""
    over = needed_bytes(verdict) - verdict.budget_bytes
    return f"{size_words(over)} over the budget" if over > 0 else f"{size_words(-over)} below the budget"


def budget_words(verdict: FitVerdict) -> str:
    """Of the mark."""
    return f"Budget {size_words(verdict.budget_bytes)}"


def description_of(verdict: FitVerdict) -> str:
    """The bar in words."""
    parts = ", ".join(f"{line.name} {size_words(line.size_bytes)}" for line in lines_of(verdict))
    return f"{parts}; {budget_words(verdict)}, {verdict.budget_reason}"


def note_of(judgement: Judgement) -> Note | None:
    """What is wrong, and what would help; None where nothing is."""
    verdict = judgement.verdict
    if verdict is None:
        return Note("info", "info", "info", "It cannot be said whether it fits.", judgement.fault)
    if verdict.fit is Fit.FITS:
        return None
    help_words = _help(judgement, verdict)
    context = judgement.advice.context_tokens if judgement.advice is not None else 0
    if verdict.fit is Fit.PAGING:
        lead = f"{size_words(verdict.streamed_bytes)} come from disk for every token:"
        speed = f"about {speed_words(verdict.tokens_per_s)}." if verdict.tokens_per_s else "it answers slowly."
        return Note("warn", "paging", "warning", lead, f"{speed} {help_words}".strip(), context)
    return Note("bad", "error", "danger", verdict.sentence, help_words, context)


def _help(judgement: Judgement, verdict: FitVerdict) -> str:
    advice = judgement.advice
    if advice is None:
        return verdict.remedies[0] if verdict.remedies else ""
    speed = advice.verdict.tokens_per_s
    how_fast = f": about {speed_words(speed)}" if speed else ""
    needed = size_words(advice.verdict.needed_bytes)
    return f"A context of {advice.context_tokens:,} needs {needed} and fits{how_fast}."
