"""The points of the quality plot: what each smaller model weighs, kept, and how fast it writes here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.models.words import GIGA, size_words, speed_words
from engine import Fit, FitVerdict, QualityReport

_MB_BELOW: Final = 1_000_000_000
_WHOLE: Final = 100.0
_SAME: Final = 0.002  # of a size: names are given anew, but no two recipes come this close


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One model.

    Attributes:
        name: of its recipe, such as `Q4_K_M`.
        size_bytes: of its file.
        kept: quality, percent of the source's.
        per_s: tokens (or pictures) per second.
        fit: whether it fits into memory as that is now.
        is_chosen: whether it is the model that is looked at.
        report: where this comes from; None for the source.
    """

    name: str
    size_bytes: int
    kept: float
    per_s: float
    fit: Fit
    is_chosen: bool = False
    report: QualityReport | None = None

    @property
    def label(self) -> str:
        """As it stands in the plot."""
        return f"{self.name} · {short_speed(self.per_s)}"


@dataclass(frozen=True, slots=True)
class Budget:
    """Largest file that fits, and whether a larger one could be paged; None if that is unknown."""

    fits_bytes: int
    larger: Fit


def budget_of(verdict: FitVerdict | None, size_bytes: int) -> Budget | None:
    """The largest file that would fit with the context of a verdict: what is left beside everything but weights."""
    if verdict is None:
        return None
    weights = next((line.size_bytes for line in verdict.lines if line.name == "Weights"), 0) + verdict.streamed_bytes
    rest = verdict.needed_bytes + verdict.streamed_bytes - weights
    spare = max(0, weights - size_bytes) if verdict.fit is Fit.FITS else 0
    return Budget(max(0, verdict.budget_bytes - rest - spare), verdict.fit if verdict.fit is Fit.NO else Fit.PAGING)


def points_of(reports: Sequence[QualityReport], budget: Budget | None, chosen_bytes: int) -> list[Point]:
    """The source and all that came of it, the smallest first.

    Args:
        reports: of one source.
        budget: what fits; None where that is unknown.
        chosen_bytes: size of the model that is looked at.
    """
    if not reports:
        return []
    source = reports[0]
    points = [
        Point(
            name=report.recipe.upper(),
            size_bytes=report.result_bytes,
            kept=100.0 * report.kept,
            per_s=report.decode_per_s,
            fit=_fit_of(report.result_bytes, budget),
            is_chosen=abs(report.result_bytes - chosen_bytes) < _SAME * chosen_bytes,
            report=report,
        )
        for report in reports
    ]
    points.append(
        Point(
            name="Source",
            size_bytes=source.source_bytes,
            kept=_WHOLE,
            per_s=source.source_decode_per_s,
            fit=_fit_of(source.source_bytes, budget),
            is_chosen=abs(source.source_bytes - chosen_bytes) < _SAME * chosen_bytes,
        )
    )
    return sorted(points, key=lambda point: (point.size_bytes, point.kept))


def unit_of(points: Sequence[Point]) -> tuple[float, str]:
    """In what the sizes of a plot are counted: bytes of one, and its name."""
    most = max((point.size_bytes for point in points), default=0)
    return (float(GIGA), "GB") if most >= _MB_BELOW else (1e6, "MB")


def short_speed(per_s: float) -> str:
    """A speed in as few figures as a label has room for."""
    return f"{per_s:.1f}" if per_s < 1.95 else f"{per_s:,.0f}"


def in_words(points: Sequence[Point], *, is_text: bool) -> str:
    """The plot for those who do not see it."""
    return "; ".join(
        f"{point.name}: {size_words(point.size_bytes)}, {point.kept:.1f} %, "
        f"{speed_words(point.per_s, is_text=is_text)}, {_FIT_WORDS[point.fit]}"
        for point in points
    )


_FIT_WORDS: Final = {Fit.FITS: "fits", Fit.PAGING: "fits with paging", Fit.NO: "does not fit"}


def _fit_of(size_bytes: int, budget: Budget | None) -> Fit:
    if budget is None or size_bytes <= budget.fits_bytes:
        return Fit.FITS
    return budget.larger
