"""Brush: writes one-line texts and chips for painted lists, with fonts, measures and elisions kept between paints."""

from functools import lru_cache

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle

from app.theme.appearance import Appearance

_LINE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
_CHIP_PADDING = 8
_KEPT = 2048  # elided texts


def cell_of(row: QRect, column: tuple[int, int]) -> QRect:
    """The part of a painted row that a column takes, given its left edge in the row and its width."""
    return QRect(row.left() + column[0], row.top(), column[1], row.height())


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
        """Pixels that a text takes.

        Args:
            style: a type style of the theme.
            words: the text.
            weight: of the font, 1 to 1000; 0 takes the style's own.
        """
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

    def chip_width(self, words: str) -> int:
        """Pixels that a chip takes."""
        return self.width("small", words, 500) + 2 * _CHIP_PADDING

    def chip(self, painter: QPainter, left: int, room: QRect, words: str) -> int:
        """Paint a chip in the middle of the room's height; return its right edge."""
        theme = self._appearance.theme
        height, width = theme.size("chip"), self.chip_width(words)
        chip = QRectF(left + 0.5, room.top() + (room.height() - height) // 2 + 0.5, width - 1, height - 1)
        painter.setPen(self.color("border-strong" if theme.is_high_contrast else "border"))
        painter.setBrush(self.color("raised"))
        painter.drawRoundedRect(chip, theme.radius("small"), theme.radius("small"))
        painter.setFont(self._font("small", 500)[0])
        painter.setPen(self.color("text-muted"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, words)
        return left + width

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

    def card_ground(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, *, is_last: bool) -> None:
        """Paint the ground of a whole row in a card: as its state is, the line below, and the ring of the keyboard."""
        whole = QRectF(rect)
        painter.save()
        if is_last:  # stays inside the card's round corners
            radius = self._appearance.theme.radius("large") - 1
            inside = QPainterPath()
            inside.addRoundedRect(whole.adjusted(0, -2 * radius, 0, 0), radius, radius)
            painter.setClipPath(inside, Qt.ClipOperation.IntersectClip)
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self.color("selection"))
            painter.fillRect(QRectF(rect.left(), rect.top() + 8, 3, rect.height() - 17), self.color("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, self.color("hover"))
        painter.restore()
        if not is_last:
            painter.fillRect(QRectF(rect.left(), rect.bottom(), rect.width(), 1), self.color("border"))
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            self.ring(painter, whole)

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
