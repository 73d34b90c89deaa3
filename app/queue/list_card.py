"""ListCard: what waits, or what runs, as a list; with the reason where it is empty."""

from typing import Final

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStackedLayout, QVBoxLayout, QWidget

from app.queue.actions import RequestActions
from app.queue.controller import QueueController
from app.queue.empty_note import EmptyNote
from app.queue.request_model import Listing, RequestModel
from app.queue.request_table import RequestTable
from app.queue.running_card import HEAD, Legend
from app.queue.words import FAMILIES
from app.theme import Appearance
from app.theme.widgets import Segmented

_WAITING, _RUNNING = "Waiting", "Running"
_LISTINGS: Final = {_WAITING: Listing.WAITING, _RUNNING: Listing.RUNNING}
OPEN_PAGES: Final = {"Open Chat": "chat", "Open Recognize": "recognize"}
"""Buttons of the empty list, and names of the pages that they open."""


class ListCard(QFrame):
    """A switch between both lists, a legend, and the table.

    Attributes:
        table: the requests.
        model: behind it.
        lists: the switch.
        empty: what stands there while nothing is listed.

    Signals:
        listing_changed: the other list is shown now.
        explained: a request's explanation is wanted: its id.
    """

    listing_changed = Signal()
    explained = Signal(str)

    def __init__(
        self,
        appearance: Appearance,
        controller: QueueController,
        actions: RequestActions,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setAccessibleName("Requests")
        self._appearance = appearance
        self._controller = controller
        self._actions = actions
        self.model = RequestModel(self)
        self.table = RequestTable(appearance, self.model, self)
        self.lists = Segmented("Which requests are listed", (_WAITING, _RUNNING), self)
        self._legend = Legend(appearance, [(family.name, family.role) for family in FAMILIES], parent=self)
        self.empty = EmptyNote(appearance, "queue", self, tuple(OPEN_PAGES))
        self._note = QLabel(self)
        self._room = QStackedLayout()
        self._lay_out()
        self.lists.choose(_WAITING)
        self.table.setAccessibleName("Waiting requests")
        self.lists.picked.connect(self.choose)
        self.table.opened.connect(self.explained)
        self.table.key_pressed.connect(self._on_key)
        self.table.menu_wanted.connect(self._on_menu)

    def choose(self, listing: str) -> None:
        """List the others: `Waiting` or `Running`."""
        self.lists.choose(listing)
        if self.model.listing is not _LISTINGS[listing]:
            self.model.set_listing(_LISTINGS[listing])
            self.table.setAccessibleName(f"{listing} requests")
            self.show_now()
            self.listing_changed.emit()

    def choose_request(self, request: str) -> None:
        """Select a request, in whichever list it is."""
        if any(entry.id == request for entry in self._controller.running):
            self.choose(_RUNNING)
        elif any(entry.id == request for entry in self._controller.waiting):
            self.choose(_WAITING)
        self.table.choose(request)

    def show_now(self) -> None:
        """Show what the controller saw last."""
        waiting, running = self._controller.waiting, self._controller.running
        is_waiting = self.model.listing is Listing.WAITING
        listed = waiting if is_waiting else running
        selected = self.table.selected
        if selected is not None and not any(request.id == selected.id for request in listed):
            self.table.let_go()  # else Qt selects a neighbour, and a key that was meant for this one acts on that
        self.model.show(listed, is_paused=self._controller.is_paused)
        count = self._controller.waiting_count
        self.lists.rename(_WAITING, f"{_WAITING} {count:,}" if count else _WAITING)
        self.lists.rename(_RUNNING, f"{_RUNNING} {len(running):,}" if running else _RUNNING)
        is_cut = is_waiting and count > len(waiting)
        self._note.setText(f"the first {len(waiting):,} are listed" if is_cut else "")
        self._legend.setVisible(is_waiting and self.model.has_scores)
        has_rows = bool(listed)
        self._room.setCurrentIndex(0 if has_rows else 1)
        if not has_rows:
            self._say_why_empty(is_waiting=is_waiting)

    def _say_why_empty(self, *, is_waiting: bool) -> None:
        is_paused = self._controller.is_paused
        is_idle = not self._controller.waiting and not self._controller.running
        self.empty.show_buttons(is_idle)
        if is_paused:
            title = "New work is paused." if is_waiting else "Nothing runs: new work is paused."
            words = "What is asked now waits until you press Go on."
        elif is_idle:
            title = "Nothing runs and nothing waits."
            words = (
                "Ask something in Chat, or give Recognize some pictures. "
                "What cannot begin at once is listed here, with the reason."
            )
        elif is_waiting:
            title, words = "Nothing waits.", "Everything that was asked runs now; it is listed under Running."
        else:
            title, words = "Nothing runs at this moment.", "What waits, and why, is listed under Waiting."
        self.empty.say(title, words)

    def _on_key(self, key: int) -> None:
        selected = self.table.selected
        if selected is not None:
            self._actions.press(key, selected)

    def _on_menu(self, at: QPoint) -> None:
        selected = self.table.selected
        if selected is not None:
            self._actions.open_menu(selected, at, lambda: self.explained.emit(selected.id))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._note.setProperty("role", "small")
        self._note.setProperty("muted", True)
        head = QWidget(self)
        head.setFixedHeight(HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.space("l") - 1, 0, theme.space("l") - 1, 0)
        row.setSpacing(theme.space("l"))
        row.addWidget(self.lists)
        row.addWidget(self._note)
        row.addStretch(1)
        row.addWidget(self._legend)
        line = QFrame(self)
        line.setProperty("line", "top")
        line.setFixedHeight(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, theme.radius("large"))
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(line)
        self._room.addWidget(self.table)
        self._room.addWidget(self.empty)
        column.addLayout(self._room, 1)
