"""QualityCard: what smaller models of the same source kept, as a plot and as a table; hidden where nobody measured."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from app.models.quality_points import Budget, Point, in_words, short_speed
from app.models.sections import Section
from app.models.words import size_words
from app.theme import Appearance
from app.theme.widgets.labels import say, text_label
from engine import Fit, QualityReport

_HEADS: Final = ("Recipe", "Size", "Kept", "Speed", "Agrees")
_LEGEND: Final = ((Fit.FITS, "fits", "success"), (Fit.PAGING, "paging", "warning"), (Fit.NO, "no", "danger"))
_EDGE: Final = 9
_TIPS: Final = {
    2: "Quality, in percent of the source's.",
    4: "How often it prefers the same next token (or answer) as its source.",
}


class Mark(QWidget):
    """The shape of a kind of points, beside the word that says the same."""

    def __init__(self, appearance: Appearance, fit: Fit, role: str) -> None:
        super().__init__()
        self._appearance, self._fit, self._role = appearance, fit, role
        self.setFixedSize(_EDGE + 2, appearance.theme.line("small"))
        appearance.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._appearance.theme.color(self._role)
        room = QRectF(1, (self.height() - _EDGE) / 2, _EDGE, _EDGE)
        painter.setBrush(color)
        if self._fit is Fit.NO:
            pen = painter.pen()
            pen.setColor(color)
            pen.setWidthF(2)
            painter.setPen(pen)
            inside = room.adjusted(1, 1, -1, -1)
            painter.drawLine(inside.topLeft(), inside.bottomRight())
            painter.drawLine(inside.topRight(), inside.bottomLeft())
            return
        painter.setPen(Qt.PenStyle.NoPen)
        if self._fit is Fit.FITS:
            painter.drawEllipse(room)
        else:
            middle = room.center()
            corners = (
                (middle.x(), room.top() - 1),
                (room.right() + 1, middle.y()),
                (middle.x(), room.bottom() + 1),
                (room.left() - 1, middle.y()),
            )
            polygon = QPolygonF()
            for x, y in corners:
                polygon.append(QRectF(x, y, 0, 0).topLeft())
            painter.drawPolygon(polygon)


class QualityCard(Section):
    """The plot is made when there is something to show for the first time: pyqtgraph takes its time.

    Attributes:
        plot: the plot; None before that.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Quality, size and speed", parent)
        self._appearance = appearance
        self.plot: QWidget | None = None
        self._marks: dict[Fit, tuple[QWidget, QLabel]] = {}
        for fit, words, role in _LEGEND:
            label = QLabel(words)
            label.setProperty("role", "small")
            label.setProperty("muted", True)
            mark = Mark(appearance, fit, role)
            self._marks[fit] = (mark, label)
            pair = QHBoxLayout()
            pair.setSpacing(appearance.theme.space("xs"))
            pair.addWidget(mark)
            pair.addWidget(label)
            self.head.addLayout(pair)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(appearance.theme.space("m"))
        self._grid.setVerticalSpacing(appearance.theme.space("xxs"))
        self._grid.setColumnStretch(0, 1)
        self._cells: list[list[QLabel]] = []
        self._note = text_label("", "small", is_muted=True)
        self.column.addWidget(self._table)
        self.column.addWidget(self._note)
        self.hide()

    def show_points(self, points: Sequence[Point], budget: Budget | None, *, is_text: bool) -> None:
        """Show a source and what came of it."""
        self.setVisible(bool(points))
        if not points:
            return
        from app.models.quality_plot import QualityPlot

        if not isinstance(self.plot, QualityPlot):
            self.plot = QualityPlot(self._appearance)
            self.column.insertWidget(0, self.plot)
        made = [point for point in points if point.report is not None]
        unit = "tok/s" if is_text else "pictures/s"
        self.plot.show_points(made, budget, in_words(points, is_text=is_text), unit)
        for fit, widgets in self._marks.items():
            for widget in widgets:
                widget.setVisible(any(point.fit is fit for point in points))
        self._show_table(points, is_text=is_text)
        reports = [point.report for point in points if point.report is not None]
        if reports:
            say(self._note, _measured(reports[-1], is_text=is_text))

    def _show_table(self, points: Sequence[Point], *, is_text: bool) -> None:
        unit = "tok/s" if is_text else "1/s"
        heads = (*_HEADS[:3], f"Speed, {unit}", _HEADS[4])
        rows = [heads, *(_cells(point) for point in points)]
        while len(self._cells) < len(rows):
            self._cells.append([self._cell(len(self._cells), column) for column in range(len(_HEADS))])
        for at, labels in enumerate(self._cells):
            for column, label in enumerate(labels):
                label.setVisible(at < len(rows))
                if at < len(rows):
                    say(label, rows[at][column])
                    label.setToolTip(_TIPS.get(column, ""))
                    label.setAccessibleName(f"{heads[column]}: {rows[at][column]}" if at else heads[column])

    def _cell(self, row: int, column: int) -> QLabel:
        label = QLabel()
        label.setProperty("role", "small")
        label.setProperty("muted", row == 0)
        if column:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(label, row, column)
        return label


def _cells(point: Point) -> tuple[str, ...]:
    report = point.report
    same = f"{100 * report.same_top_share:.1f} %" if report is not None else "100 %"
    chosen = " (this one)" if point.is_chosen else ""
    name = f"{point.name}{chosen}"
    return (name, size_words(point.size_bytes), f"{point.kept:.1f} %", short_speed(point.per_s), same)


def _measured(report: QualityReport, *, is_text: bool) -> str:
    """Where the numbers come from."""
    when = datetime.fromtimestamp(report.measured_at).strftime("%d %B %Y").lstrip("0")
    what = f"{report.tokens:,} {'tokens' if is_text else 'pictures'} of {report.text}"
    more = []
    if report.perplexity_ratio is not None:
        more.append(f"perplexity ratio of the largest {report.perplexity_ratio:.3f}")
    if report.kl_divergence is not None:
        more.append(f"divergence {report.kl_divergence:.4f} nats")
    after = f"; {', '.join(more)}" if more else ""
    return f"Measured on {report.machine}, {when}, with {what}{after}."
