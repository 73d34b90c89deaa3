"""SegmentBar: one painted bar of coloured parts on a track, with an optional mark at a limit."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme.appearance import Appearance


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar: its share of the whole in [0, 1], and the role of its colour."""

    share: float
    role: str


class SegmentBar(QWidget):
    """A meter. The same numbers must stand beside it as text; its accessible description carries them too."""

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._parts: tuple[Part, ...] = ()
        self._limit: float | None = None
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def set_parts(self, parts: Sequence[Part], description: str, limit: float | None = None) -> None:
        """Show other numbers; repaints only when they differ.

        Args:
            parts: from left to right.
            description: the numbers in words, such as "CPU 47 %, Hearth 38, others 9".
            limit: share of the width where a mark stands; None for no mark.
        """
        wanted = tuple(parts)
        if (wanted, limit) != (self._parts, self._limit):
            self._parts, self._limit = wanted, limit
            self.update()
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)
            self.setToolTip(description)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is shown."""
        return self._parts

    def sizeHint(self) -> QSize:
        """Room for a short meter."""
        theme = self._appearance.theme
        return QSize(theme.space("xxxl"), theme.size("meter") + 2 * theme.space("xxs"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the track, the parts and the mark."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = theme.size("meter")
        track = QRectF(0.5, (self.height() - height) / 2 + 0.5, self.width() - 1, height - 1)
        paint_bar(painter, self._appearance, track, self._parts)
        if self._limit is not None:
            left = track.left() + track.width() * self._limit
            mark = QRect(round(left) - 1, (self.height() - height) // 2 - 2, 2, height + 4)  # whole pixels: sharp
            painter.fillRect(mark, theme.color("text"))


def paint_bar(painter: QPainter, appearance: Appearance, track: QRectF, parts: Sequence[Part]) -> None:
    """Paint a bar where delegates need one too; parts narrower than a pixel are left out.

    Args:
        painter: with antialiasing on.
        appearance: where the colours come from.
        track: outline of the whole bar.
        parts: from left to right.
    """
    theme = appearance.theme
    radius = min(theme.radius("bar"), track.height() / 2)
    outline = QPainterPath()
    outline.addRoundedRect(track, radius, radius)
    painter.setPen(theme.color("border"))
    painter.setBrush(theme.color("sunken"))
    painter.drawPath(outline)
    painter.save()
    painter.setClipPath(outline)
    left = track.left() - 0.5
    for part in parts:
        width = max(0.0, min(1.0, part.share)) * (track.width() + 1)
        if width >= 1:
            painter.fillRect(QRectF(left, track.top() - 0.5, width, track.height() + 1), theme.color(part.role))
            left += width
    painter.restore()
