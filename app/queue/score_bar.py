"""The score bar: the points of a request's factors side by side, in the colours of their families."""

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPainterPath

from app.queue.words import FACTOR_NAMES, FAMILIES, STRENGTHS
from app.theme.brush import Brush
from engine.queueing import FactorPart

HEIGHT: Final = 10
_RADIUS: Final = 3
_GAP: Final = 1  # of background between two segments
_PLACES: Final[Mapping[str, tuple[int, str, float]]] = {
    key: (number, family.role, strength)
    for number, family in enumerate(FAMILIES)
    for key, strength in zip(family.keys, STRENGTHS, strict=False)
}
_ORDER: Final = {key: number for number, key in enumerate(_PLACES)}


def look_of_factor(key: str) -> tuple[str, float]:
    """Role and strength, from 0 to 1, of a factor's colour."""
    _family, role, strength = _PLACES.get(key, (0, "chart-8", 1.0))
    return role, strength


def scale_of(scores: Sequence[float]) -> float:
    """Score at the right end of all bars: the highest, and at least 1."""
    return max(1.0, *scores) if scores else 1.0


def points_in_words(parts: Sequence[FactorPart]) -> str:
    """Every factor that gives points, for tooltips: `Urgency 0.167, Model is loaded 0.086`."""
    said = [f"{FACTOR_NAMES.get(part.key, part.key)} {part.points:.3f}" for part in parts if part.points >= 0.0005]
    return ", ".join(said)


def paint_score(painter: QPainter, brush: Brush, track: QRectF, parts: Sequence[FactorPart], scale: float) -> None:
    """Paint a bar; segments under a pixel are left out.

    Args:
        painter: with antialiasing on.
        brush: gives the colours.
        track: the whole bar.
        parts: the factors, in any order.
        scale: score at its right end.
    """
    outline = QPainterPath()
    outline.addRoundedRect(track.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
    painter.setPen(brush.color("border"))
    painter.setBrush(brush.color("sunken"))
    painter.drawPath(outline)
    painter.save()
    clip = QPainterPath()
    clip.addRoundedRect(track, _RADIUS, _RADIUS)
    painter.setClipPath(clip)
    left = 0.0
    for part in sorted(parts, key=lambda part: _ORDER.get(part.key, len(_ORDER))):
        width = part.points / scale * track.width()
        if width < 1:
            left += max(0.0, width)
            continue
        role, strength = look_of_factor(part.key)
        start, end = round(track.left() + left), round(track.left() + left + width)  # whole pixels: sharp gaps
        segment = QRectF(start, track.top(), max(1, end - start - _GAP), track.height())
        painter.fillRect(segment, brush.faded(role, strength))
        painter.fillRect(QRectF(end - _GAP, track.top(), _GAP, track.height()), brush.color("raised"))
        left += width
    painter.restore()
