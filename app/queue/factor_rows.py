"""FactorRows: the twelve factors of a request, a row each: name, value as a bar and a number, points."""

from typing import Final

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.queue.score_bar import look_of_factor
from app.queue.words import FACTOR_NAMES, duration
from app.theme import Appearance
from app.theme.brush import Brush
from app.theme.widgets import Part, paint_bar
from engine.queueing import FactorPart

ROW: Final = 22
_HEAD: Final = 20
_BAR: Final = (40, 88)  # least and most
_VALUE: Final = 44  # columns at the right
_POINTS: Final = 54
_STEPS: Final = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
_WAIT: Final = "wait"


def words_of(part: FactorPart) -> str:
    """What a factor comes from, in a sentence: `Urgency: interactive.`"""
    name = FACTOR_NAMES.get(part.key, part.key)
    return f"{name}: {part.words}." if part.words else f"{name} gives {part.points:.3f} points."


class FactorRows(QWidget):
    """Painted rows; arrow keys or the pointer choose the one whose words are said below.

    Signals:
        pointed: words of the chosen row.

    Thread: UI only.
    """

    pointed = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._brush = Brush(appearance)
        self._parts: tuple[FactorPart, ...] = ()
        self._current = -1
        self._by_key = False
        self.setAccessibleName("Factors of the score")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def show_parts(self, parts: tuple[FactorPart, ...]) -> None:
        """Show other numbers; the chosen row stays the same factor."""
        if parts == self._parts:
            return
        is_other_height = len(parts) != len(self._parts)
        self._parts = parts
        self._current = min(self._current, len(parts) - 1)
        said = [f"{words_of(part)} {_value(part)}, {part.points:.3f} points" for part in parts]
        self.setAccessibleDescription("; ".join(said))
        if is_other_height:
            self.updateGeometry()
        self.update()
        self._say()

    def sizeHint(self) -> QSize:
        """As high as the rows and their titles are."""
        return QSize(200, _HEAD + len(self._parts) * ROW)

    def minimumSizeHint(self) -> QSize:
        """No less high."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self._parts:
            super().keyPressEvent(event)
            return
        self._point(max(0, min(len(self._parts) - 1, self._current + step)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say the words of the row under the pointer."""
        row = (int(event.position().y()) - _HEAD) // ROW
        if 0 <= row < len(self._parts):
            self._point(row)

    def leaveEvent(self, event: QEvent) -> None:
        """Say what says most again."""
        super().leaveEvent(event)
        if not self.hasFocus():
            self._point(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin with the first row."""
        super().focusInEvent(event)
        self._point(max(0, self._current))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Choose none."""
        super().focusOutEvent(event)
        self._point(-1)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint titles and rows."""
        brush, painter = self._brush, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right = self.width()
        points, value = right - _POINTS, right - _POINTS - _VALUE
        for words, left, width in (("value", value, _VALUE), ("points", points, _POINTS)):
            room = QRect(left, 0, width, _HEAD)
            brush.write(painter, room, "small", "text-muted", words, right=True)
        brush.write(painter, QRect(0, 0, 100, _HEAD), "small", "text-muted", "Factor")
        names = 8 + max((brush.width("small", name) for name in FACTOR_NAMES.values()), default=0)
        bar = max(_BAR[0], min(_BAR[1], value - 4 - names))
        bar_left = value - 4 - bar
        for row, part in enumerate(self._parts):
            top = _HEAD + row * ROW
            if row == self._current:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(brush.color("hover"))
                painter.drawRoundedRect(QRectF(-6, top, right + 12, ROW), 4, 4)
            name = FACTOR_NAMES.get(part.key, part.key)
            brush.write(painter, QRect(0, top, bar_left - 6, ROW), "small", "text", name)
            share = min(1.0, part.points if part.key == _WAIT else part.value)
            track = QRectF(bar_left + 0.5, top + (ROW - 6) / 2 + 0.5, bar - 1, 5)
            paint_bar(painter, self._appearance, track, (Part(share, look_of_factor(part.key)[0]),))
            room = QRect(value, top, _VALUE, ROW)
            brush.write(painter, room, "small", "text-muted", _value(part), right=True)
            room = QRect(points, top, _POINTS, ROW)
            brush.write(painter, room, "small", "text", f"{part.points:.3f}", weight=500, right=True)

    def _point(self, row: int) -> None:
        if row != self._current:
            self._current = row
            self.update()
            self._say()

    def _say(self) -> None:
        if not self._parts:
            return
        chosen = self._parts[self._current] if self._current >= 0 else max(self._parts, key=lambda part: part.points)
        self.pointed.emit(words_of(chosen))


def _value(part: FactorPart) -> str:
    return duration(part.value) if part.key == _WAIT else f"{part.value:.2f}"
