"""Painted rows of a card: numbers that change twice a second without moving or laying out anything."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QPainter,
    QPaintEvent,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.hardware.wording import Sentence, Stat, State
from app.theme import Appearance
from app.theme.widgets import paint_swatch
from app.usage import NBSP, UNKNOWN, UNKNOWN_TIP, Usage

_SWATCH: Final = 10
_CHIP_PADDING: Final = 8
_MIDDLE: Final = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
_TONES: Final = {
    "ok": ("success", "success-fill"),
    "info": ("info", "info-fill"),
    "warn": ("warning", "warning-fill"),
    "neutral": ("text-muted", "sunken"),
}
_STAT_WEIGHTS: Final = (114, 68, 68, 93)


class PaintedRow(QWidget):
    """A row of a fixed height on a card's ground."""

    def __init__(self, appearance: Appearance, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setFixedHeight(height)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        appearance.changed.connect(self.update)

    def _begin(self) -> QPainter:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._appearance.theme.color("raised"))
        return painter

    def _font(self, style: str, weight: int = 0) -> QFont:
        font = self._appearance.theme.font(style)
        if weight:
            font.setWeight(QFont.Weight(weight))
        return font


class FigureRow(PaintedRow):
    """One large number, and a legend with ours and others'."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.line("figure"), parent)
        self._usage: Usage | None = None

    def show_usage(self, usage: Usage) -> None:
        """Show other numbers."""
        if usage != self._usage:
            self._usage = usage
            self.setAccessibleName(usage.description)
            self.setToolTip(usage.description if usage.is_known else UNKNOWN_TIP)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the figure, then a swatch and words for each of the two."""
        painter = self._begin()
        if self._usage is None:
            return
        theme, height = self._appearance.theme, self.height()
        figure = self._font("figure")
        painter.setFont(figure)
        painter.setPen(theme.color("text"))
        painter.drawText(QRect(0, 0, self.width(), height), _MIDDLE, self._usage.figure)
        left = QFontMetrics(figure).horizontalAdvance(f"100{NBSP}%") + theme.space("s")
        font = self._font("small")
        painter.setFont(font)
        for words, widest, role in (
            (self._usage.ours, f"Hearth 100{NBSP}%", "chart-1"),
            (self._usage.others, "", "chart-8"),
        ):
            paint_swatch(painter, self._appearance, QPointF(left, height / 2 + 1), role)
            left += _SWATCH + theme.space("s") - 1
            painter.setPen(theme.color("text"))
            painter.drawText(QRect(left, 2, self.width() - left, height - 2), _MIDDLE, words)
            left += QFontMetrics(font).horizontalAdvance(widest) + theme.space("m")


class QuietText(PaintedRow):
    """A few words at the right end of their room, such as a speed that changes all the time."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.line("small"), parent)
        self._words = ""

    def say(self, words: str) -> None:
        """Say something else."""
        if words != self._words:
            self._words = words
            self.setAccessibleName(words)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as many of the words as fit."""
        painter = self._begin()
        font = self._font("small", 500)
        painter.setFont(font)
        painter.setPen(self._appearance.theme.color("text-muted"))
        words = QFontMetrics(font).elidedText(self._words, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words)


class StatRow(PaintedRow):
    """Numbers with their titles side by side; a number that is longer than its column is shortened."""

    HEIGHT: Final = 52

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, self.HEIGHT, parent)
        self._stats: tuple[Stat, ...] = ()

    def show_stats(self, stats: tuple[Stat, ...]) -> None:
        """Show other numbers; only columns that differ are painted."""
        if stats == self._stats:
            return
        before, self._stats = self._stats, stats
        self.setAccessibleName(", ".join(_said(stat) for stat in stats))
        for at, column in enumerate(self._columns()):
            if at >= len(before) or before[at] != stats[at]:
                self.update(column)

    def event(self, event: QEvent) -> bool:
        """Say what stands behind the number under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            for column, stat in zip(self._columns(), self._stats, strict=True):
                if column.contains(event.pos()):
                    QToolTip.showText(event.globalPos(), stat.tip, self, column)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint titles and numbers of the columns that need it."""
        painter = self._begin()
        theme = self._appearance.theme
        titles, numbers = self._font("caption"), self._font("body", 500)
        metrics = QFontMetrics(numbers)
        gap, line = theme.space("s"), theme.line("caption")
        for column, stat in zip(self._columns(), self._stats, strict=True):
            if not event.rect().intersects(column):
                continue
            painter.setFont(titles)
            painter.setPen(theme.color("text-muted"))
            painter.drawText(QRect(column.left(), gap, column.width(), line), _MIDDLE, stat.title)
            painter.setFont(numbers)
            painter.setPen(theme.color(stat.role))
            room = QRect(column.left(), gap + line, column.width() - 4, theme.line("body"))
            words = metrics.elidedText(stat.words, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, _MIDDLE, words)

    def _columns(self) -> list[QRect]:
        """Columns in the same proportion whatever the width."""
        weights = _STAT_WEIGHTS[: len(self._stats)]
        whole = sum(_STAT_WEIGHTS)
        edges = [round(self.width() * sum(weights[:at]) / whole) for at in range(len(weights) + 1)]
        return [QRect(left, 0, right - left, self.height()) for left, right in pairwise(edges)]


class SentenceText(PaintedRow):
    """A sentence of a few lines at most: what it is about in full colour, the rest quietly; the whole as a tooltip."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None, *, lines: int = 2) -> None:
        super().__init__(appearance, lines * appearance.theme.line("small"), parent)
        self._lines = lines
        self._sentence = Sentence("", "")

    def show_sentence(self, sentence: Sentence) -> None:
        """Say something else."""
        if sentence != self._sentence:
            self._sentence = sentence
            self.setAccessibleName(sentence.whole)
            self.setToolTip(sentence.whole)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Break the words into lines and paint them."""
        painter = self._begin()
        theme, sentence = self._appearance.theme, self._sentence
        if not sentence.whole:
            return
        font = self._font("small")
        whole, lead = unbroken(sentence.whole), unbroken(sentence.lead)
        layout = QTextLayout(whole, font)
        layout.setTextOption(_wrapping())
        layout.setFormats([_format(0, len(lead), theme.color("text"), 500)])
        layout.beginLayout()
        ends: list[tuple[int, int]] = []
        while (line := layout.createLine()).isValid() and len(ends) < self._lines:
            line.setLineWidth(self.width())
            line.setPosition(QPointF(0, len(ends) * theme.line("small") + 1))
            ends.append((line.textStart(), line.textStart() + line.textLength()))
        layout.endLayout()
        painter.setPen(theme.color("text-muted"))
        is_cut = bool(ends) and ends[-1][1] < len(whole)
        for number, (start, end) in enumerate(ends):
            if is_cut and number == len(ends) - 1:
                self._paint_last(painter, font, number, whole[start:], is_lead=start < len(lead))
            elif end > start:
                layout.lineAt(number).draw(painter, QPointF(0, 0))

    def _paint_last(self, painter: QPainter, font: QFont, number: int, rest: str, *, is_lead: bool) -> None:
        theme = self._appearance.theme
        words = QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, self.width())
        painter.setFont(font)
        painter.setPen(theme.color("text" if is_lead else "text-muted"))
        line = theme.line("small")
        painter.drawText(QRect(0, number * line, self.width(), line), _MIDDLE, words)


class StateChip(QWidget):
    """Icon and word of a state on a quiet fill, at the right end of a room that fits every state."""

    def __init__(self, appearance: Appearance, words: Sequence[str], parent: QWidget | None = None) -> None:
        """Make a chip; `words` are all that it will ever say."""
        super().__init__(parent)
        self._appearance = appearance
        self._state: State | None = None
        metrics = QFontMetrics(self._font())
        widest = max(metrics.horizontalAdvance(word) for word in words)
        self.setFixedSize(self._width(widest), appearance.theme.size("chip"))
        appearance.changed.connect(self.update)

    def show_state(self, state: State) -> None:
        """Say another state."""
        if state != self._state:
            self._state = state
            self.setAccessibleName(f"State: {state.word}")
            self.update()

    def sizeHint(self) -> QSize:
        """Room for the widest word."""
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint fill, icon and word."""
        if self._state is None:
            return
        theme, font = self._appearance.theme, self._font()
        ink, fill = _TONES[self._state.tone]
        width = self._width(QFontMetrics(font).horizontalAdvance(self._state.word))
        room = QRectF(self.width() - width, 0, width, self.height())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color(ink) if theme.is_high_contrast else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(fill))
        inset = 0.5 if theme.is_high_contrast else 0.0
        painter.drawRoundedRect(
            room.adjusted(inset, inset, -inset, -inset), theme.radius("small"), theme.radius("small")
        )
        edge = theme.size("icon-small")
        place = QRect(round(room.left()) + _CHIP_PADDING, (self.height() - edge) // 2, edge, edge)
        theme.icon(self._state.icon, ink, edge).paint(painter, place)
        painter.setFont(font)
        painter.setPen(theme.color(ink))
        painter.drawText(room.adjusted(_CHIP_PADDING + edge + 5, 0, 0, 0), _MIDDLE, self._state.word)

    def _font(self) -> QFont:
        font = self._appearance.theme.font("small")
        font.setWeight(QFont.Weight.Medium)
        return font

    def _width(self, words: int) -> int:
        return 2 * _CHIP_PADDING + self._appearance.theme.size("icon-small") + 5 + words


def unbroken(words: str) -> str:
    """Words in which no line ends inside a unit such as tok/s."""
    return words.replace("/s", "/\u2060s")


def _said(stat: Stat) -> str:
    return f"{stat.title} {'unknown' if stat.words == UNKNOWN else stat.words}"


def _wrapping() -> QTextOption:
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    return option


def _format(start: int, length: int, color: QColor, weight: int) -> QTextLayout.FormatRange:
    said = QTextLayout.FormatRange()
    said.start = start
    said.length = length
    style = QTextCharFormat()
    style.setForeground(color)
    style.setFontWeight(weight)
    said.format = style
    return said
