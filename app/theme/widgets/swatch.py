"""Swatch: the square of a legend, in the colour of a bar's part or of a curve."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme.appearance import Appearance

EDGE: Final = 10
"""Pixels."""
_RADIUS: Final = 3


class Swatch(QWidget):
    """A square beside the words that say the same."""

    def __init__(self, appearance: Appearance, role: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._role = role
        self.setFixedSize(EDGE, appearance.theme.line("small"))
        appearance.changed.connect(self.update)

    def show_role(self, role: str) -> None:
        """Take the colour of another role."""
        if role != self._role:
            self._role = role
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the square."""
        paint_swatch(QPainter(self), self._appearance, QPointF(0, self.height() / 2), self._role)


def paint_swatch(painter: QPainter, appearance: Appearance, middle: QPointF, role: str) -> None:
    """Paint the square of a legend.

    Args:
        painter: where.
        appearance: gives the colour.
        middle: left end and vertical middle.
        role: of the colour.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(appearance.theme.color(role))
    painter.drawRoundedRect(QRectF(middle.x(), middle.y() - EDGE / 2, EDGE, EDGE), _RADIUS, _RADIUS)
