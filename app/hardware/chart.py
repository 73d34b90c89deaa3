"""Chart: ours in ember, others' in grey above it, over time. Importing this module imports pyqtgraph.

pyqtgraph draws into its own viewport only, which is all that is painted anew twice a second; the labels of both axes
are painted beside it by the chart, and only when they change. The two areas are one item: pyqtgraph's own curves
would be stroked and filled one by one, with seams in the fill, and leave no gap where a value is unknown.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.hardware.history import Floats
from app.hardware.scale import Scale, mark_rows
from app.theme import Appearance

LINE_WIDTH: Final = 1.5
OURS_ALPHA: Final = 0.26
OTHERS_ALPHA: Final = 0.22
BUDGET_DASH: Final = (4.0, 3.0)
EVENT_MARK: Final = 16
_PLATE_ALPHA: Final = 0.8
_PAD: Final = 8  # of the plot around its area, where half a mark or half a line may stand
_FOOT: Final = 2
_LEVEL_PX: Final = 0.01
_AXIS: Final = 19  # below the area: a gap and the labels

pg.setConfigOptions(antialias=True, useOpenGL=False, exitCleanup=False)


class StackedArea(pg.GraphicsObject):  # type: ignore[misc]  # pyqtgraph has no types
    """Two curves and the areas below them, in the coordinates of the data."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._range = QRectF(-1, 0, 1, 1)
        self._x: Floats = np.empty(0)
        self._ours = self._used = self._x
        self.set_colours()

    def set_colours(self) -> None:
        """Take the colours of the theme in use."""
        theme = self._appearance.theme
        ours, others = theme.color("chart-1"), theme.color("chart-8")
        self._pens = (QPen(others, 1), QPen(ours, 1))
        self._fills = (_with_alpha(others, OTHERS_ALPHA), _with_alpha(ours, OURS_ALPHA))
        self.update()

    def set_range(self, span_s: float, top: float) -> None:
        """Say what the edges of the plot are."""
        self.prepareGeometryChange()
        self._range = QRectF(-span_s, 0, span_s, top)

    def set_data(self, x: Floats, ours: Floats, used: Floats) -> None:
        """Take other values, for the next time that the plot is painted; the arrays are kept, not copied."""
        self._x, self._ours, self._used = x, ours, used

    def boundingRect(self) -> QRectF:
        """The whole plot: what is outside is not painted."""
        return self._range

    def paint(self, painter: QPainter, _option: Any, _widget: Any = None) -> None:
        """Paint areas, then lines, each run of known values by itself."""
        seen = painter.transform()
        painter.save()
        painter.setClipRect(self._range.adjusted(0, -self._range.height(), 0, self._range.height()))
        painter.resetTransform()
        for first, last in _runs(self._used):
            x = self._x[first:last] * seen.m11() + seen.dx()
            ours = self._ours[first:last] * seen.m22() + seen.dy()
            used = self._used[first:last] * seen.m22() + seen.dy()
            kept = corners(ours, used)
            x, ours, used = x[kept], ours[kept], used[kept]
            floor = np.full(2, seen.dy())
            ends = x[[-1, 0]]
            self._fill(painter, 0, np.concatenate((x, x[::-1])), np.concatenate((used, ours[::-1])))
            self._fill(painter, 1, np.concatenate((x, ends)), np.concatenate((ours, floor)))
            self._draw_lines(painter, x, ours, used)
        painter.restore()

    def _draw_lines(self, painter: QPainter, x: Floats, ours: Floats, used: Floats) -> None:
        """Draw lines of one pixel, which Qt draws forty times as fast as thicker ones; two make the line of ours."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        aside = (LINE_WIDTH - 1) / 2
        for pen, y in ((self._pens[0], used), (self._pens[1], ours - aside), (self._pens[1], ours + aside)):
            painter.setPen(pen)
            painter.drawPolyline(_polygon(x, y))

    def _fill(self, painter: QPainter, which: int, x: Floats, y: Floats) -> None:
        """Fill without smoothing, which costs a fifth: a line lies on every edge that is not level."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._fills[which])
        painter.drawPolygon(_polygon(x, y))


class Plot(pg.GraphicsView):  # type: ignore[misc]  # pyqtgraph has no types
    """The area between the axes: grid behind, budget and marks before the curves. It takes no input."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent, background=None)
        self._appearance = appearance
        self._scale = Scale(1.0, ())
        self._span_s = 1.0
        self._limit: tuple[float, str] | None = None
        self._marks: Sequence[tuple[float, int]] = ()
        self.area = StackedArea(appearance)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self._box.addItem(self.area, ignoreBounds=True)
        self.setCentralItem(self._box)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else the card below is painted, too

    def set_axes(self, scale: Scale, span_s: float) -> None:
        """Show another range of values and of time."""
        self._scale, self._span_s = scale, span_s
        self.area.set_range(span_s, scale.top)
        self._fit()

    def set_data(self, x: Floats, ours: Floats, used: Floats) -> None:
        """Show other curves. The view is told, not the scene, which would have it painted once more for the marks."""
        self.area.set_data(x, ours, used)
        self.viewport().update()

    def set_limit(self, limit: tuple[float, str] | None) -> None:
        """Show a budget as a dashed line with its words."""
        if limit != self._limit:
            self._limit = limit
            self.viewport().update()

    def set_marks(self, marks: Sequence[tuple[float, int]]) -> None:
        """Mark moments, in seconds from now, with numbers; the earliest first."""
        if marks != self._marks:
            self._marks = marks
            self.viewport().update()

    def restyle(self) -> None:
        """Take the colours of the theme in use."""
        self.area.set_colours()
        self.resetCachedContent()
        self.viewport().update()

    @property
    def room(self) -> QRectF:
        """The area between the axes, in pixels of this widget."""
        return QRectF(self.rect()).adjusted(_PAD, _PAD, -_PAD, -_FOOT)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the scale."""
        super().resizeEvent(event)
        if hasattr(self, "_box"):  # pyqtgraph resizes while it is being made
            self._fit()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        """Paint ground and grid; the view keeps the picture until its size or the theme changes."""
        theme = self._appearance.theme
        painter.fillRect(rect, theme.color("raised"))
        for value, _words in self._scale.ticks[1:]:
            self._line(painter, self._y_of(value), theme.color("chart-grid"))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Paint what stands before the curves: the base line, the budget and the marks."""
        theme = self._appearance.theme
        self._line(painter, self._y_of(0), _with_alpha(theme.color("border-strong"), 0.55))
        if self._limit is not None:
            self._paint_limit(painter, self._limit[0])
        if self._marks:
            self._paint_marks(painter)
        if self._limit is not None:
            self._write_limit(painter, *self._limit)

    def _fit(self) -> None:
        """Let the box, which fills the widget, show the padding too."""
        room, scale = self.room, self._scale
        if room.width() <= 0 or room.height() <= 0:
            return
        per_px_x, per_px_y = self._span_s / room.width(), scale.top / room.height()
        self._box.setRange(
            xRange=(-self._span_s - _PAD * per_px_x, _PAD * per_px_x),
            yRange=(-_FOOT * per_px_y, scale.top + _PAD * per_px_y),
            padding=0,
            disableAutoRange=True,
        )
        self.resetCachedContent()

    def _y_of(self, value: float) -> float:
        room = self.room
        return room.bottom() - value / self._scale.top * room.height()

    def _line(self, painter: QPainter, y: float, color: QColor) -> None:
        room = self.room
        painter.fillRect(QRect(round(room.left()), round(y), round(room.width()), 1), color)  # whole pixels: sharp

    def _paint_limit(self, painter: QPainter, value: float) -> None:
        theme, room, y = self._appearance.theme, self.room, round(self._y_of(value)) + 0.5
        pen = QPen(theme.color("text"), 1)
        pen.setDashPattern(BUDGET_DASH)
        painter.setPen(pen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))

    def _write_limit(self, painter: QPainter, value: float, words: str) -> None:
        theme, room, y = self._appearance.theme, self.room, round(self._y_of(value))
        font, height = theme.font("caption"), theme.line("caption")
        width = QFontMetrics(font).horizontalAdvance(words)
        is_high = y - height - room.top() < EVENT_MARK
        place = QRectF(room.left() + _PAD, y + 2 if is_high else y - height - 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_with_alpha(theme.color("raised"), _PLATE_ALPHA))
        painter.drawRect(place.adjusted(-2, 0, 2, 0))  # a mark or a curve may be behind the words
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_marks(self, painter: QPainter) -> None:
        theme, room = self._appearance.theme, self.room
        places = [room.right() + at / self._span_s * room.width() for at, _number in self._marks]
        rows = mark_rows(places, EVENT_MARK + 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = theme.font("caption")
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        edge = _with_alpha(theme.color("border-strong"), 0.9)
        for (_at, number), place, row in zip(self._marks, places, rows, strict=True):
            x, top = min(round(place), round(room.right()) - 1), room.top() + row * (EVENT_MARK + 2)
            painter.fillRect(QRectF(x, top + EVENT_MARK / 2, 1, room.bottom() - top - EVENT_MARK / 2), edge)
            circle = QRectF(x + 0.5 - EVENT_MARK / 2, top + 0.5, EVENT_MARK, EVENT_MARK)
            painter.setPen(QPen(theme.color("border-strong"), 1))
            painter.setBrush(theme.color("raised"))
            painter.drawEllipse(circle)
            painter.setPen(theme.color("text"))
            painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(number))


class Chart(QWidget):
    """A plot with its axes. Its numbers are in its accessible description, and as text beside it."""

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._scale = Scale(1.0, ())
        self._labels: tuple[tuple[float, str], ...] = ()
        self.plot = Plot(appearance, self)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        appearance.changed.connect(self._restyle)

    def set_axes(self, scale: Scale, span_s: float) -> None:
        """Show another range; the data must follow."""
        self._scale = scale
        self.plot.set_axes(scale, span_s)
        self._place()
        self.update()

    def set_labels(self, labels: tuple[tuple[float, str], ...]) -> None:
        """Say other times below the plot: places from 0 to 1, and words."""
        if labels != self._labels:
            self._labels = labels
            self.update(0, self.height() - _AXIS, self.width(), _AXIS)

    def set_data(self, ages: Floats, ours: Floats, used: Floats) -> None:
        """Show curves over seconds from now, which are negative."""
        self.plot.set_data(ages, ours, used)

    def set_description(self, description: str) -> None:
        """Say the numbers of now."""
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)

    def sizeHint(self) -> QSize:
        """As in a card."""
        return QSize(320, 140)

    def minimumSizeHint(self) -> QSize:
        """Room for the labels and some curve."""
        return QSize(160, 100)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the plot between the axes."""
        super().resizeEvent(event)
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the labels of both axes."""
        theme, room = self._appearance.theme, self.plot.room.translated(self.plot.pos())
        painter = QPainter(self)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text-muted"))
        line = theme.line("caption")
        beside = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for value, words in self._scale.ticks:
            y = room.bottom() - value / self._scale.top * room.height()
            painter.drawText(QRectF(0, y - line / 2, room.left() - _PAD, line), beside, words)
        for place, words in self._labels:
            x = room.left() + place * room.width()
            painter.drawText(_label_room(x, place, room, self.height() - line, line), _alignment(place), words)

    def _restyle(self) -> None:
        self.plot.restyle()
        self._place()
        self.update()

    def _place(self) -> None:
        metrics = QFontMetrics(self._appearance.theme.font("caption"))
        widest = max((metrics.horizontalAdvance(words) for _value, words in self._scale.ticks), default=0)
        self.plot.setGeometry(widest, 0, self.width() - widest, self.height() - _AXIS + _FOOT)


def _label_room(x: float, place: float, room: QRectF, top: float, height: float) -> QRectF:
    half = room.width() / 2
    left = x if place <= 0 else x - 2 * half if place >= 1 else x - half
    return QRectF(left, top, 2 * half, height)


def _alignment(place: float) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignHCenter
    if place <= 0:
        side = Qt.AlignmentFlag.AlignLeft
    elif place >= 1:
        side = Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def corners(ours: Floats, used: Floats) -> npt.NDArray[np.bool_]:
    """Which points of two curves matter: inside a level stretch none does, and many short lines would look dotted."""
    moves = (np.abs(np.diff(ours)) > _LEVEL_PX) | (np.abs(np.diff(used)) > _LEVEL_PX)
    ends = np.ones(1, bool)
    kept: npt.NDArray[np.bool_] = np.concatenate((ends, moves)) | np.concatenate((moves, ends))
    return kept


def _runs(values: Floats) -> Iterator[tuple[int, int]]:
    """First and one past the last index of each run of at least two known values."""
    known = np.isfinite(values)
    if known.all():
        yield from ((0, len(values)),) if len(values) > 1 else ()
        return
    edges = np.flatnonzero(np.diff(np.concatenate(([False], known, [False]))))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first > 1:
            yield int(first), int(last)


def _polygon(x: Floats, y: Floats) -> QPolygonF:
    polygon: QPolygonF = pg.functions.create_qpolygonf(len(x))
    points = pg.functions.ndarray_from_qpolygonf(polygon)
    points[:, 0] = x
    points[:, 1] = y
    return polygon


def _with_alpha(color: QColor, alpha: float) -> QColor:
    color = QColor(color)
    color.setAlphaF(alpha)
    return color
