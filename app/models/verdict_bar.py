"""VerdictBar: what a model takes, part by part, with the budget as a mark and its words below."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.theme import Appearance
from app.theme.widgets import Part, paint_bar

_HEIGHT: Final = 10
_OVER: Final = 4  # of the mark, above and below the bar
_MARK: Final = 2


class VerdictBar(QWidget):
    """Painted; the same numbers stand below it as text."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._parts: tuple[Part, ...] = ()
        self._limit: float | None = None
        self._words = ""
        self.setAccessibleName("Memory that it takes")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def show_parts(self, parts: Sequence[Part], limit: float, words: str, description: str) -> None:
        """Show other numbers.

        Args:
            parts: from left to right.
            limit: share of the width where the budget stands.
            words: of the budget.
            description: all numbers in words.
        """
        self._parts, self._limit, self._words = tuple(parts), limit, words
        self.setAccessibleDescription(description)
        self.setToolTip(description)
        self.update()

    @property
    def limit(self) -> float | None:
        """Share of the width where the mark stands; None before there was one."""
        return self._limit

    def sizeHint(self) -> QSize:
        """Room for the bar, the mark and the words."""
        return QSize(200, _HEIGHT + 2 * _OVER + self._appearance.theme.line("caption"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar, the mark over it, and the words near that."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0.5, _OVER + 0.5, self.width() - 1, _HEIGHT - 1)
        paint_bar(painter, self._appearance, track, self._parts)
        if self._limit is None:
            return
        left = round(min(self._limit, 1.0) * (self.width() - _MARK))
        painter.fillRect(QRect(left, 0, _MARK, _HEIGHT + 2 * _OVER), theme.color("text"))
        font = theme.font("caption")
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        wide = QFontMetrics(font).horizontalAdvance(self._words) + 2
        at = max(0, min(self.width() - wide, left + _MARK - wide))
        room = QRect(at, _HEIGHT + 2 * _OVER, wide, theme.line("caption"))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self._words)
