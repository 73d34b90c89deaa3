"""Board: the content of the page: one line about the machine, a card for each device, and the memory.

Importing this module imports pyqtgraph; the page does so on a thread when it is opened for the first time.
"""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.hardware.controller import HardwareController
from app.hardware.device_card import DeviceCard, say
from app.hardware.memory_card import MemoryCard
from app.hardware.paging_card import PagingCard
from app.hardware.summary import summary_of, when_measured
from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.usage import device_titles
from engine.hardware import DeviceInfo, HardwareSnapshot

_LEAST_CARD: Final = 312  # pixels: three in a row in a window of 1100, two below that
_MEMORY_HEIGHT: Final = (280, 420)  # least and most


class Board(QWidget):
    """Shows what the controller knows.

    Attributes:
        cards: of the devices, in their order.
        paging: the card of the models that are larger than their memory.
        memory: the card of the memory.
        summary: the line about the machine.
        measured: when it was measured.

    Signals:
        settled: a card was added, or all of them are there.
        budget_wanted: the person wants to set how much memory models may take.
    """

    settled = Signal()
    budget_wanted = Signal()

    def __init__(self, appearance: Appearance, controller: HardwareController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self.cards: list[DeviceCard] = []
        self._columns = 0
        self._missing: list[str] = []  # ids of devices whose cards are made one by one, between other events
        self.summary = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self.measured = QLabel(self)
        self.paging = PagingCard(appearance, self)
        self.memory = MemoryCard(appearance, self)
        self._grid = QGridLayout()
        self._column = QVBoxLayout(self)
        self._lay_out()
        self._builder = QTimer(self)
        self._builder.timeout.connect(self._build_next)
        controller.ticked.connect(self.show_now)
        controller.busy_changed.connect(self._show_busy)
        self.memory.spans.picked.connect(self._on_span)
        self.memory.events.budget_pressed.connect(self.budget_wanted)
        appearance.changed.connect(lambda: self.show_now(True))
        self.show_now(True)

    @property
    def is_complete(self) -> bool:
        """Whether every device has its card."""
        return not self._missing

    def show_now(self, has_new: bool) -> None:
        """Show what the controller saw last.

        Args:
            has_new: whether there are samples that the charts do not show yet.
        """
        snapshot = self._controller.snapshot
        if snapshot is None:
            return
        self._show_summary(snapshot)
        self._fit_cards(snapshot.devices)
        titles = device_titles(snapshot.devices)
        infos = {device.id: device for device in snapshot.devices}
        for card in self.cards:
            card.show_snapshot(infos[card.device], titles[card.device], snapshot)
        self.paging.show_models(self._controller.loaded)
        self.memory.show_snapshot(snapshot)
        if has_new:
            self._draw()

    def leave_room(self, bar: int) -> None:
        """Keep the right edge where it is, whether there is a scroll bar of some width or not."""
        margins = self._column.contentsMargins()
        margins.setRight(margins.left() - bar)
        self._column.setContentsMargins(margins)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put as many cards into a row as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def _draw(self) -> None:
        history = self._controller.history
        for card in self.cards:
            times, ours, used = history.device(card.device)
            card.show_curve(times - history.newest_s, ours, used)
        self.memory.show_history(history, self._controller.events, self._controller.clock)

    def _show_summary(self, snapshot: HardwareSnapshot) -> None:
        say(self.summary, summary_of(snapshot))
        say(self.measured, when_measured(snapshot, self._controller.clock.wall_s))

    def _show_busy(self) -> None:
        for card in self.cards:
            card.set_looking(self._controller.is_looking)

    def _on_span(self, title: str) -> None:
        self.memory.choose_span(title)
        self.show_now(True)

    # ---------------------------------------------------------------------------------------------------------- cards

    def _fit_cards(self, devices: Sequence[DeviceInfo]) -> None:
        """Have a card for each device; the first time they are made one by one, so that the window stays quick."""
        wanted = [device.id for device in devices]
        have = [card.device for card in self.cards]
        if have + self._missing == wanted:
            return
        for card in [card for card in self.cards if card.device not in wanted]:
            self.cards.remove(card)
            card.hide()
            card.deleteLater()
        self._missing = [device for device in wanted if device not in have]
        self.cards.sort(key=lambda card: wanted.index(card.device))
        self._columns = 0
        self._arrange()
        self._builder.start(0)

    def _build_next(self) -> None:
        snapshot = self._controller.snapshot
        if self._missing and snapshot is not None:
            device = self._missing.pop(0)
            card = DeviceCard(self._appearance, device, self)
            card.look_again_pressed.connect(self._controller.find_devices)
            card.set_looking(self._controller.is_looking)
            self.cards.append(card)
            order = [each.id for each in snapshot.devices]
            self.cards.sort(key=lambda each: order.index(each.device))
            self._columns = 0
            self._arrange()
            self.show_now(True)
        if not self._missing:
            self._builder.stop()
        self.settled.emit()

    def _arrange(self) -> None:
        count = len(self.cards) + len(self._missing)
        gap = self._grid.spacing()
        margins = self._column.contentsMargins()
        room = self.width() - margins.left() - margins.right() + gap
        fitting = max(2, room // (_LEAST_CARD + gap))
        columns = balanced(count, fitting)
        if columns == self._columns:
            return
        for column in range(max(columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self._columns = columns
        for number, card in enumerate(self.cards):
            self._grid.addWidget(card, number // columns, number % columns)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.summary.setFont(theme.font("reading"))
        self.summary.setProperty("role", "reading")
        self.measured.setProperty("role", "small")
        self.measured.setProperty("muted", True)
        line = QHBoxLayout()
        line.setSpacing(theme.space("l"))
        line.addWidget(self.summary, 1)
        line.addWidget(self.measured)
        row = QWidget(self)
        row.setFixedHeight(theme.space("xl"))
        row.setLayout(line)
        line.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.space("l"))
        cards = QWidget(self)
        cards.setProperty("region", True)
        cards.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.memory.setMinimumHeight(_MEMORY_HEIGHT[0])
        self.memory.setMaximumHeight(_MEMORY_HEIGHT[1])
        column = self._column
        edge, side = theme.space("l"), theme.space("xl")
        column.setContentsMargins(side, edge, side, edge)
        column.setSpacing(edge)
        column.addWidget(row)
        column.addWidget(cards)
        column.addWidget(self.paging)
        column.addWidget(self.memory, 1)


def balanced(count: int, fitting: int) -> int:
    """How many cards stand in a row, so that the last row is as full as it can be."""
    rows = max(1, -(-count // fitting))
    return max(1, -(-count // rows))
