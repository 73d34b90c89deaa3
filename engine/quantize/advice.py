"""Which recipe suits this machine, and why, a sentence each. Pure."""

from collections.abc import Sequence
from typing import Final

from engine.footprint import Fit, FitVerdict
from engine.quality import RecipeForecast
from engine.quantize.planning import Outcome

ROOM: Final = 0.9
"""Share of the memory that is free which a model may need and still leave room for what comes."""

READING_PER_S: Final = 6.0
"""Tokens per second, about as fast as people read."""

_VISIBLE_LOSS_BITS: Final = 4.4  # coarser weights show in the answers


def advise(outcomes: Sequence[Outcome], verdicts: Sequence[FitVerdict]) -> tuple[RecipeForecast, ...]:
    """Say of each recipe what it would give, and which one Hearth would take.

    That is the finest that leaves room in memory and writes at least as fast as people read, as far as the speed of
    the machine is known.

    Args:
        outcomes: of one model, largest first.
        verdicts: whether each of them fits.
    """
    chosen = _choose(outcomes, verdicts)
    return tuple(
        RecipeForecast(
            recipe=outcome.recipe,
            size_bytes=outcome.size_bytes,
            speedup=round(outcome.speedup, 2),
            is_recommended=number == chosen,
            reason=" ".join(filter(None, (_reason(number, chosen, outcomes, verdict), _shapes(outcome)))),
        )
        for number, (outcome, verdict) in enumerate(zip(outcomes, verdicts, strict=True))
    )


def _choose(outcomes: Sequence[Outcome], verdicts: Sequence[FitVerdict]) -> int:
    roomy = [number for number, verdict in enumerate(verdicts) if _has_room(verdict)]
    plain = [number for number in roomy if not _is_slow(verdicts[number])]
    if plain:
        return plain[0]
    fine = [number for number in roomy if outcomes[number].recipe.bits >= _VISIBLE_LOSS_BITS]
    if fine:
        return max(fine, key=lambda number: verdicts[number].tokens_per_s or 0.0)
    fitting = [number for number, verdict in enumerate(verdicts) if verdict.fit is Fit.FITS]
    return fitting[-1] if fitting else len(outcomes) - 1


def _has_room(verdict: FitVerdict) -> bool:
    return verdict.fit is Fit.FITS and verdict.needed_bytes <= ROOM * verdict.budget_bytes


def _is_slow(verdict: FitVerdict) -> bool:
    return verdict.tokens_per_s is not None and verdict.tokens_per_s < READING_PER_S


def _reason(number: int, chosen: int, outcomes: Sequence[Outcome], verdict: FitVerdict) -> str:
    memory = f"{_size(verdict.needed_bytes)} of {_size(verdict.budget_bytes)}"
    pace = f" and writes about {verdict.tokens_per_s:.2g} tokens per second" if verdict.tokens_per_s else ""
    if number == chosen:
        if not _has_room(verdict):
            return f"It needs least: {memory} that are free."
        if _is_slow(verdict):
            return f"It is the fastest one without a loss that shows{pace}, and needs {memory}."
        return f"It is the finest that leaves room: it needs {memory}{pace}."
    if verdict.fit is not Fit.FITS:
        return f"It does not fit: it needs {memory}."
    if not _has_room(verdict):
        return f"It leaves hardly any room: it needs {memory}."
    if _is_slow(verdict):
        return f"It would write about {verdict.tokens_per_s:.2g} tokens per second, slower than people read."
    share = outcomes[number].size_bytes / max(1, outcomes[chosen].size_bytes)
    return f"It takes {share:.0%} of the recommended one's size, and is coarser than this machine needs."


def _shapes(outcome: Outcome) -> str:
    if not outcome.kept:
        return ""
    return (
        f"{outcome.kept} of {outcome.matrices} matrices have rows that its blocks do not fill; they get larger types."
    )


def _size(size: int) -> str:
    if size < 1e8:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:.2f} GB" if size < 1e10 else f"{size / 1e9:.1f} GB"
