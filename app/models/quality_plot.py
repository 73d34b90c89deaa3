"""QualityPlot: size against quality, with the speed at each point. Importing this module imports pyqtgraph."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor, log10
from typing import Final

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.models.quality_points import Budget, Point, unit_of
from app.models.words import size_words
from app.theme import Appearance
from app.usage import NBSP
from engine import Fit

WIDTH: Final = 368
HEIGHT: Final = 166
SHAPES: Final = {Fit.FITS: ("o", "success"), Fit.PAGING: ("d", "warning"), Fit.NO: ("x", "danger")}
_LEFT: Final = 34  # of the axis with the quality
_FOOT: Final = 38  # numbers, then what they are
_TOP: Final = 8
_RING: Final = 18  # across the ring around the chosen point
_MOST_TICKS: Final = 5

pg.setConfigOptions(antialias=True, useOpenGL=False, exitCleanup=False)


class QualityPlot(QWidget):
    """A plot of 368 x 166 that nothing in it can be moved of; its numbers stand in the table below it as well.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._points: tuple[Point, ...] = ()
        self._budget: Budget | None = None
        self._x_ticks: list[float] = []
        self._y_ticks: list[float] = []
        self._unit = (1e9, "GB")
        self._speed_unit = "tok/s"
        self._labels: list[tuple[QRectF, str, bool]] = []
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Quality, size and speed of models from the same source")
        self._plot = pg.PlotWidget(self, background=None)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._plot.viewport().setAutoFillBackground(False)
        item = self._plot.getPlotItem()
        item.hideAxis("left")
        item.hideAxis("bottom")
        item.layout.setContentsMargins(0, 0, 0, 0)
        item.getViewBox().setDefaultPadding(0)
        self._over = _Labels(self)
        appearance.changed.connect(self._draw)

    def show_points(
        self, points: Sequence[Point], budget: Budget | None, description: str, unit: str = "tok/s"
    ) -> None:
        """Show other points.

        Args:
            points: the smallest first.
            budget: what fits; None where that is unknown.
            description: the points in words.
            unit: of their speed.
        """
        self.setAccessibleDescription(description)
        self._speed_unit = unit
        if (tuple(points), budget) != (self._points, self._budget):
            self._points, self._budget = tuple(points), budget
            self._draw()

    @property
    def labels(self) -> list[str]:
        """What is written at the points, as far as it has room."""
        return [words for _, words, _ in self._labels]

    def sizeHint(self) -> QSize:
        """As in the mock-up."""
        return QSize(WIDTH, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the plot what the axes leave."""
        self._plot.setGeometry(_LEFT, 0, max(1, self.width() - _LEFT), HEIGHT - _FOOT)
        self._over.setGeometry(self.rect())
        self._draw()

    # --------------------------------------------------------------------------------------------------------- drawing

    def _draw(self) -> None:
        item = self._plot.getPlotItem()
        item.clear()
        if not self._points:
            return
        theme = self._appearance.theme
        self._plot.setBackground(theme.color("surface"))
        self._unit = unit_of(self._points)
        size, _ = self._unit
        xs = [point.size_bytes / size for point in self._points]
        ys = [point.kept for point in self._points]
        limit = self._budget.fits_bytes / size if self._budget is not None else None
        is_near = limit is not None and 0.5 * min(xs) < limit < 1.2 * max(xs)
        low, high = _span([*xs, *([limit] if limit is not None and is_near else [])], left=0.3)
        bottom, top = _span(ys, least=4.0)
        item.setXRange(low, high, padding=0)
        item.setYRange(bottom, min(top, max(102.0, max(ys) + 1)), padding=0)
        self._x_ticks, self._y_ticks = _ticks(low, high), _ticks(bottom, min(top, 100.5))
        for tick in self._y_ticks:
            item.addItem(pg.InfiniteLine(tick, angle=0, pen=pg.mkPen(theme.color("chart-grid"), width=1)))
        item.plot(xs, ys, pen=pg.mkPen(theme.color("text-muted"), width=1))
        if limit is not None and low < limit < high:
            pen = QPen(theme.color("text"), 1.0)
            pen.setCosmetic(True)
            pen.setDashPattern([4.0, 3.0])
            item.addItem(pg.InfiniteLine(limit, angle=90, pen=pen))
        self._scatter(xs, ys)
        self._place_labels(xs, ys, limit)
        self._over.update()
        self.update()

    def _scatter(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        theme, item = self._appearance.theme, self._plot.getPlotItem()
        for fit, (shape, role) in SHAPES.items():
            places = [at for at, point in enumerate(self._points) if point.fit is fit]
            if places:
                color = theme.color(role)
                pen = pg.mkPen(color, width=2) if fit is Fit.NO else pg.mkPen(None)
                item.addItem(
                    pg.ScatterPlotItem(
                        [xs[at] for at in places], [ys[at] for at in places], symbol=shape, size=9, pen=pen, brush=color
                    )
                )
        for at, point in enumerate(self._points):
            if point.is_chosen:
                ring = pg.mkPen(theme.color("accent"), width=2)
                item.addItem(pg.ScatterPlotItem([xs[at]], [ys[at]], symbol="o", size=_RING, pen=ring, brush=None))

    def _place_labels(self, xs: Sequence[float], ys: Sequence[float], limit: float | None) -> None:
        """Write at each point what has room there; the chosen one first, then the smaller ones."""
        metrics = QFontMetrics(self._appearance.theme.font("caption"))
        height = metrics.height()
        marks = [self._at(x, y) for x, y in zip(xs, ys, strict=True)]
        taken = [QRectF(mark.x() - 7, mark.y() - 7, 14, 14) for mark in marks]
        taken += [room for one, other in pairwise(marks) for room in _along(one, other)]
        if limit is not None:
            taken.append(QRectF(self._at(limit, 0).x() - 2, 0, 4, HEIGHT))
        self._labels = []
        order = sorted(range(len(marks)), key=lambda at: (not self._points[at].is_chosen, at))
        for at in order:
            point, mark = self._points[at], marks[at]
            unit = f"{NBSP}{self._speed_unit}" if point.is_chosen else ""
            words = f"{point.label}{unit}"
            width = metrics.horizontalAdvance(words) + 2
            for left, top in (
                (mark.x() - width - 9, mark.y() - height / 2),
                (mark.x() + 11, mark.y() - height / 2),
                (mark.x() - width / 2, mark.y() + 11),
                (mark.x() - width / 2, mark.y() - height - 10),
                (mark.x() + 3, mark.y() + 20),
                (mark.x() - width + 14, mark.y() + 11),
                (mark.x() - width + 8, mark.y() - height - 12),
                (mark.x() - width - 4, mark.y() + 16),
                (mark.x() + 3, mark.y() + 34),
            ):
                room = QRectF(left, top, width, height)
                inside = QRectF(_LEFT, 0, self.width() - _LEFT, HEIGHT - _FOOT)
                if inside.contains(room) and not any(room.intersects(other) for other in taken):
                    taken.append(room)
                    self._labels.append((room, words, point.is_chosen))
                    break
        if limit is not None and self._budget is not None and self._x_ticks:
            line = self._at(limit, ys[0]).x()
            words = f"Fits up to {size_words(self._budget.fits_bytes)}"
            width = metrics.horizontalAdvance(words) + 2
            room = QRectF(line - width - 6, _TOP - 6, width, height)
            if room.left() >= _LEFT and line <= self.width() and not any(room.intersects(it) for it in taken):
                self._labels.append((room, words, True))

    def _at(self, x: float, y: float) -> QPointF:
        """Where a point stands in this widget."""
        (low, high), (bottom, top) = self._plot.getPlotItem().getViewBox().viewRange()
        width, height = self.width() - _LEFT, HEIGHT - _FOOT
        across = (x - low) / (high - low) if high > low else 0.5
        up = (y - bottom) / (top - bottom) if top > bottom else 0.5
        return QPointF(_LEFT + across * width, height - up * height)

    def paint_over(self, painter: QPainter) -> None:
        """Write the labels of points and axes."""
        theme = self._appearance.theme
        painter.setFont(theme.font("caption"))
        for room, words, is_loud in self._labels:
            painter.setPen(theme.color("text" if is_loud else "text-muted"))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)
        painter.setPen(theme.color("text-muted"))
        floor_y = HEIGHT - _FOOT
        for tick in self._y_ticks:
            at = self._at(0, tick).y()
            if 6 <= at <= floor_y - 4:
                painter.drawText(QRectF(0, at - 8, _LEFT - 8, 16), _RIGHT, f"{tick:g}")
        for tick in self._x_ticks:
            at = self._at(tick, 0).x()
            painter.drawText(QRectF(at - 30, floor_y + 3, 60, 16), Qt.AlignmentFlag.AlignCenter, f"{tick:g}")
        foot = QRectF(_LEFT, HEIGHT - 17, self.width() - _LEFT, 16)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, f"quality, % of the original (labels: {self._speed_unit})")
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight, f"size, {self._unit[1]}")
        painter.setPen(theme.color("text-muted"))
        painter.drawLine(_LEFT, floor_y, self.width(), floor_y)


class _Labels(QWidget):
    """Lies over the plot: what pyqtgraph would write is neither sharp nor in our type."""

    def __init__(self, plot: QualityPlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._plot.paint_over(painter)


_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _along(one: QPointF, other: QPointF) -> list[QRectF]:
    """Little squares along a line: words are not written over it."""
    steps = max(1, round(max(abs(other.x() - one.x()), abs(other.y() - one.y())) / 4))
    way = other - one
    return [
        QRectF((one + way * (step / steps)).x() - 2, (one + way * (step / steps)).y() - 2, 4, 4)
        for step in range(steps + 1)
    ]


def _span(values: Sequence[float], least: float = 0.0, left: float = 0.12) -> tuple[float, float]:
    """From a share of the width below the smallest to a little above the largest."""
    low, high = min(values), max(values)
    wide = max(high - low, least, 0.05 * max(abs(high), 1e-9))
    middle = (low + high) / 2
    return max(0.0, middle - (0.5 + left) * wide), middle + 0.62 * wide


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers in a span, at most five."""
    step = 10.0 ** floor(log10(max(high - low, 1e-9)))
    for factor in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0):
        fine = step * factor
        first, last = ceil(low / fine), floor(high / fine)
        if last - first + 1 <= _MOST_TICKS:
            return [round(number * fine, 6) for number in range(first, last + 1)]
    return []
