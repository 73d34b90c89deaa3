"""RunningCard: the timeline with its title, what runs in words, and what the colours mean."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.queue.controller import QueueController
from app.queue.recorder import Kind
from app.queue.timeline import LaneRow, Timeline
from app.queue.words import counted, duration, lane_titles, running_summary
from app.theme import Appearance
from app.theme.brush import Brush
from app.theme.widgets import ElidedLabel
from engine.queueing import LaneWork, QueuedRequest

HEAD: Final = 43
_SWATCH: Final = (12, 10)


class Legend(QWidget):
    """What the colours mean: a swatch and a word each."""

    def __init__(
        self,
        appearance: Appearance,
        entries: Sequence[tuple[str, str]],
        *,
        is_outlined: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """Make a legend.

        Args:
            appearance: gives colours and fonts.
            entries: word and role of the colour, from left to right; a role that begins with `-` is dashed.
            is_outlined: swatches are quiet fills with a line, like blocks, else full.
            parent: where it lives.
        """
        super().__init__(parent)
        self._appearance = appearance
        self._brush = Brush(appearance)
        self._entries = tuple(entries)
        self._is_outlined = is_outlined
        self.setAccessibleName(f"Colours: {', '.join(word for word, _role in entries)}")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for all words."""
        return QSize(sum(self._widths()) - self._appearance.theme.space("l"), self._appearance.theme.line("body"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint swatches and words."""
        brush, painter = self._brush, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = 0
        edge = _SWATCH[0] if self._is_outlined else _SWATCH[1]
        for (word, role), width in zip(self._entries, self._widths(), strict=True):
            swatch = QRectF(left + 0.5, (self.height() - _SWATCH[1]) / 2 + 0.5, edge - 1, _SWATCH[1] - 1)
            name = role.removeprefix("-")
            pen = QPen(brush.color(name), 1)
            if role.startswith("-"):
                pen.setDashPattern((2.0, 2.0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
            else:
                painter.setBrush(brush.faded(name, 0.24) if self._is_outlined else brush.color(name))
            painter.setPen(pen)
            painter.drawRoundedRect(swatch, 2.5, 2.5)
            room = QRect(left + edge + 6, 0, width, self.height())
            brush.write(painter, room, "small", "text-muted", word)
            left += width

    def _widths(self) -> list[int]:
        edge = _SWATCH[0] if self._is_outlined else _SWATCH[1]
        gap = self._appearance.theme.space("l")
        return [edge + 6 + self._brush.width("small", word) + gap for word, _role in self._entries]


class RunningCard(QFrame):
    """What every lane does.

    Attributes:
        timeline: the picture of it.
        summary: what runs, in words.
    """

    def __init__(self, appearance: Appearance, controller: QueueController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName("Running")
        self._appearance = appearance
        self._controller = controller
        self._titles: dict[str, str] = {}
        self.summary = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self.timeline = Timeline(appearance, self)
        self._scroll = QScrollArea(self)
        self._most_height = 1 << 14
        self._legend = Legend(
            appearance,
            [(kind.word, f"-{kind.role}" if kind is Kind.PLANNED else kind.role) for kind in Kind],
            is_outlined=True,
            parent=self,
        )
        self._lay_out()

    @property
    def titles(self) -> dict[str, str]:
        """What the lanes are called, by name."""
        return self._titles

    def show_now(self) -> None:
        """Show what the controller saw last."""
        snapshot = self._controller.snapshot
        if snapshot is None:
            return
        running, waiting = self._controller.running, self._controller.waiting
        self._titles = lane_titles(snapshot.lanes)
        words = running_summary(running)
        if self.summary.text() != words:
            self.summary.setText(words)
        rows = [self._row(lane, running) for lane in snapshot.lanes]
        self.timeline.show_blocks(rows, self._controller.recorder.blocks(waiting))
        self._fit()

    def set_most_height(self, height: int) -> None:
        """Say how high the card may become; more lanes than that are scrolled."""
        self._most_height = height
        self._fit()

    def _fit(self) -> None:
        room = self._most_height - HEAD - 3
        height = min(self.timeline.sizeHint().height(), max(room, 100))
        if height != self._scroll.height():
            self._scroll.setFixedHeight(height)

    def _row(self, lane: LaneWork, running: Sequence[QueuedRequest]) -> LaneRow:
        mine = [request for request in running if request.lane == lane.name]
        detail = counted(lane.threads, "thread") if lane.threads else _free(mine)
        tip = f"{self._titles[lane.name]}: {running_summary(mine)}"
        if lane.frozen:
            names = ", ".join(lane.frozen)
            detail = f"{detail}, making room"
            tip += f"\n{names} admit nothing new: a request before them needs their memory."
        return LaneRow(lane.name, self._titles[lane.name], detail, tip)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = QLabel("Running", self)
        title.setProperty("role", "strong")
        self.summary.setProperty("role", "small")
        self.summary.setProperty("muted", True)
        head = QWidget(self)
        head.setFixedHeight(HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.space("l") - 1, 0, theme.space("l") - 1, 0)
        row.setSpacing(theme.space("l"))
        row.addWidget(title)
        row.addWidget(self.summary, 1)
        row.addWidget(self._legend)
        line = QFrame(self)
        line.setProperty("line", "top")
        line.setFixedHeight(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(line)
        self._scroll.setWidget(self.timeline)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.viewport().setAutoFillBackground(False)
        self.timeline.setAutoFillBackground(False)
        column.addWidget(self._scroll)


def _free(running: Sequence[QueuedRequest]) -> str:
    """When a lane has nothing more to do."""
    ends = [request.ends_in_s for request in running if request.ends_in_s is not None]
    if not running:
        return "free"
    return f"free in {duration(max(ends))}" if len(ends) == len(running) else "busy"
