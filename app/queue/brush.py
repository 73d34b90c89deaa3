"""Brush: writes one-line texts for delegates and painted widgets, with fonts and elisions kept between paints."""

from functools import lru_cache

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen

from app.theme import Appearance

_LINE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
_KEPT = 2048  # elided texts


class Brush:
    """Paints with the theme in use; what it keeps is forgotten when that changes.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance) -> None:
        self._appearance = appearance
        self._fonts: dict[tuple[str, int], tuple[QFont, QFontMetrics]] = {}
        self._colors: dict[str, QColor] = {}
        self._elided = lru_cache(maxsize=_KEPT)(self._elide)
        appearance.changed.connect(self._forget)

    def color(self, role: str) -> QColor:
        """Colour of a role, not to be changed."""
        if role not in self._colors:
            self._colors[role] = self._appearance.theme.color(role)
        return self._colors[role]

    def faded(self, role: str, strength: float, ground: str = "raised") -> QColor:
        """A role's colour at a strength from 0 to 1 over a ground: opaque, so that neighbours do not shine through."""
        key = f"{role}/{strength}/{ground}"
        if key not in self._colors:
            over, under = self.color(role), self.color(ground)
            channels = (
                round(strength * over.red() + (1 - strength) * under.red()),
                round(strength * over.green() + (1 - strength) * under.green()),
                round(strength * over.blue() + (1 - strength) * under.blue()),
            )
            self._colors[key] = QColor(*channels)
        return self._colors[key]

    def width(self, style: str, words: str, weight: int = 0) -> int:
        """Pixels that a text takes; a weight of 0 takes the style's own."""
        return self._font(style, weight)[1].horizontalAdvance(words)

    def write(
        self,
        painter: QPainter,
        room: QRect,
        style: str,
        role: str,
        words: str,
        *,
        weight: int = 0,
        right: bool = False,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> int:
        """Write as much of a text as fits, in the middle of the room's height; return its width in pixels."""
        if not words or room.width() <= 0:
            return 0
        shown, width = self._elided(style, weight, words, room.width(), mode)
        painter.setFont(self._font(style, weight)[0])
        painter.setPen(self.color(role))
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(room, side | _LINE, shown)
        return width

    def ring(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the ring of what has the keyboard, 3 pixels inside."""
        painter.setPen(QPen(self.color("focus"), self._appearance.theme.size("focus-ring")))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect.adjusted(3, 3, -3, -4), 4, 4)

    def row_ground(
        self, painter: QPainter, rect: QRect, *, is_selected: bool, is_hovered: bool, is_first: bool
    ) -> None:
        """Paint a table cell's ground: selected, with the mark at the left of the first; hovered; the line below."""
        if is_selected:
            painter.fillRect(rect, self.color("selection"))
            if is_first:
                painter.fillRect(QRectF(rect.left(), rect.top() + 8, 3, rect.height() - 17), self.color("accent"))
        elif is_hovered:
            painter.fillRect(rect, self.color("hover"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), self.color("border"))

    def _font(self, style: str, weight: int) -> tuple[QFont, QFontMetrics]:
        key = (style, weight)
        if key not in self._fonts:
            font = self._appearance.theme.font(style)
            if weight:
                font.setWeight(QFont.Weight(weight))
            self._fonts[key] = (font, QFontMetrics(font))
        return self._fonts[key]

    def _elide(self, style: str, weight: int, words: str, width: int, mode: Qt.TextElideMode) -> tuple[str, int]:
        metrics = self._font(style, weight)[1]
        shown = metrics.elidedText(words, mode, width)
        return shown, metrics.horizontalAdvance(shown)

    def _forget(self) -> None:
        self._fonts.clear()
        self._colors.clear()
        self._elided.cache_clear()
