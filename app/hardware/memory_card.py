"""MemoryCard: the machine's memory over up to an hour, the budget, and what happened meanwhile."""

import math
from typing import Final

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.hardware.chart import Chart
from app.hardware.clock import SPANS, Clock, Span, axis_labels
from app.hardware.event_list import EventList
from app.hardware.event_log import EventLog, NumberedEvent
from app.hardware.history import History, thinned
from app.hardware.painted import PaintedRow
from app.hardware.scale import memory_scale
from app.hardware.summary import memory_words
from app.theme import Appearance
from app.theme.widgets import Segmented, paint_swatch
from app.usage import NBSP, UNKNOWN, device_titles, gigabytes, limit_gigabytes
from engine.hardware import HardwareSnapshot

_EVENTS_WIDTH: Final = 372
_NARROW: Final = (960, 288)  # a card that is less wide than the first has events of the second


class MemoryLegend(PaintedRow):
    """Ours, others' and all, in gigabytes."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.line("body"), parent)
        self._words: tuple[str, str, str] = ("", "", "")

    def show_words(self, ours: str, others: str, whole: str) -> None:
        """Say other numbers."""
        if (ours, others, whole) != self._words:
            self._words = (ours, others, whole)
            self.setAccessibleName(f"{ours}, {others}, {whole}")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint two swatches with their words, then the rest quietly."""
        painter = self._begin()
        theme, font = self._appearance.theme, self._font("small")
        metrics = QFontMetrics(font)
        painter.setFont(font)
        left = 0
        for words, widest, role in zip(
            self._words, (f"Hearth 88.8{NBSP}GB", f"others 88.8{NBSP}GB", ""), ("chart-1", "chart-8", ""), strict=True
        ):
            if role:
                paint_swatch(painter, self._appearance, QPointF(left, self.height() / 2), role)
                left += 17
            painter.setPen(theme.color("text" if role else "text-muted"))
            room = QRect(left, 0, max(0, self.width() - left), self.height())
            if metrics.horizontalAdvance(words) > room.width() and not role:
                return  # better nothing than half a sentence
            shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
            left += max(metrics.horizontalAdvance(widest), metrics.horizontalAdvance(words)) + theme.space("l")


class MemoryCard(QFrame):
    """A chart at the left, the events at the right; the numbers in circles tie them together.

    Attributes:
        chart: the memory.
        spans: how much of the past is shown.
        events: the list.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName("Memory")
        self._appearance = appearance
        self._icon = QLabel(self)
        self._legend = MemoryLegend(appearance, self)
        self.chart = Chart(appearance, "Memory", self)
        self.spans = Segmented("How much of the past is shown", [span.title for span in SPANS], self)
        self.events = EventList(appearance, self)
        self._span = SPANS[1]
        self._titles: dict[str, str] = {}
        self._total_bytes = 0
        self._drawn_s = float("-inf")
        self._drawn_entries: tuple[NumberedEvent, ...] = ()
        self._lay_out()
        self._paint_icon()
        self.spans.choose(self._span.title)
        appearance.changed.connect(self._paint_icon)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the chart enough room in a narrow window."""
        super().resizeEvent(event)
        self.events.setFixedWidth((_EVENTS_WIDTH if self.width() >= _NARROW[0] else _NARROW[1]) - 1)

    @property
    def span(self) -> Span:
        """How much of the past is shown."""
        return self._span

    def choose_span(self, title: str) -> None:
        """Show more or less of the past; draw it with `show_history`."""
        self._span = next(span for span in SPANS if span.title == title)
        self._total_bytes = 0
        self._drawn_s = float("-inf")

    def show_snapshot(self, snapshot: HardwareSnapshot) -> None:
        """Show the numbers of now, and the budget."""
        self._titles = device_titles(snapshot.devices)
        if snapshot.memory_bytes != self._total_bytes:
            self._total_bytes = snapshot.memory_bytes
            self.chart.set_axes(memory_scale(snapshot.memory_bytes), self._span.length_s)
        budget = f"{limit_gigabytes(snapshot.memory_budget_bytes)}{NBSP}GB"
        self.chart.plot.set_limit((snapshot.memory_budget_bytes, f"Budget for Hearth {budget}"))
        whole = f"{memory_words(snapshot.memory_bytes)} in all"
        latest = snapshot.latest
        if latest is None:
            self._legend.show_words(f"Hearth {UNKNOWN}", f"others {UNKNOWN}", whole)
            return
        ours = gigabytes(latest.memory_ours_bytes)
        others = gigabytes(max(0, latest.memory_used_bytes - latest.memory_ours_bytes))
        swap = f", {gigabytes(latest.swap_used_bytes)}{NBSP}GB on the disk" if latest.swap_used_bytes else ""
        self._legend.show_words(f"Hearth {ours}{NBSP}GB", f"others {others}{NBSP}GB", whole + swap)
        self.chart.set_description(
            f"Memory {gigabytes(latest.memory_used_bytes)} GB, Hearth {ours}, others {others}; "
            f"budget for Hearth {budget}, {whole}{swap}"
        )

    def show_history(self, history: History, log: EventLog, clock: Clock) -> None:
        """Draw curves and marks up to the newest sample, unless they would move by less than a pixel."""
        now_s, span_s = history.newest_s, self._span.length_s
        entries = log.since(clock.monotonic_s - span_s)
        self.events.show_events(entries, clock, self._titles, self._span.in_words)
        if math.isinf(now_s):
            self.chart.set_labels(axis_labels(self._span, clock.wall_s))
            return
        per_px = span_s / max(1.0, self.chart.plot.room.width())
        if now_s - self._drawn_s < per_px and entries == self._drawn_entries:
            return
        self._drawn_s, self._drawn_entries = now_s, entries
        times, ours, used = thinned(*history.memory.window(now_s - span_s), span_s)
        self.chart.set_data(times - now_s, ours, used)
        self.chart.plot.set_marks([(min(0.0, entry.event.at_s - now_s), entry.number) for entry in entries])
        self.chart.set_labels(axis_labels(self._span, clock.wall(now_s)))

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon")
        self._icon.setPixmap(theme.icon("memory", "text-muted", edge).pixmap(edge, edge))
        self._drawn_s = float("-inf")

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        left = QWidget(self)
        left.setProperty("region", True)
        title = QLabel("Memory", left)
        title.setProperty("role", "strong")
        head = QHBoxLayout()
        head.setContentsMargins(theme.space("l"), 0, theme.space("l"), 0)
        head.setSpacing(theme.space("s"))
        head.addWidget(self._icon)
        head.addWidget(title)
        head.addSpacing(theme.space("s"))
        head.addWidget(self._legend, 1)
        head.addWidget(self.spans)
        chart = QHBoxLayout()
        chart.setContentsMargins(theme.space("m"), 0, theme.space("s") + 1, 0)
        chart.addWidget(self.chart)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, theme.space("m"), 0, theme.space("s"))
        column.setSpacing(theme.space("xs"))
        column.addLayout(head)
        column.addLayout(chart, 1)
        line = QFrame(self)
        line.setProperty("line", "left")
        line.setFixedWidth(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        row.addWidget(left, 1)
        row.addWidget(line)
        row.addWidget(self.events)
