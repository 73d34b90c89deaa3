"""HeaderBar: the page's title, live or finished, the order of requests, and the pause."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.queue.menu_button import MenuButton
from app.queue.words import ORDER_WORDS
from app.theme import Appearance
from app.theme.widgets import Chip, Segmented
from engine.config import ORDERS
from engine.queueing import QueueSnapshot

LIVE, FINISHED = "Live", "Finished"


class HeaderBar(QFrame):
    """Switch at the left, order and pause at the right.

    Attributes:
        views: live or finished.
        order_button: opens the orders.
        pause_button: pauses new work, or lets it go on.

    Signals:
        view_picked: `LIVE` or `FINISHED`.
        order_picked: one of the engine's orders.
        pause_picked: whether nothing new is to begin.
    """

    view_picked = Signal(str)
    order_picked = Signal(str)
    pause_picked = Signal(bool)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pageHeader")
        self.setProperty("region", True)
        self._appearance = appearance
        self._is_paused = False
        self._was_shown = False
        self._order = ""
        self.views = Segmented("Requests", (LIVE, FINISHED), self)
        self._chip = Chip("Paused: nothing new begins", "warn", self)
        self.order_button = MenuButton(appearance, self)
        self.pause_button = QPushButton(self)
        self._orders: dict[str, QAction] = {}
        self._set_up()
        self._lay_out()
        appearance.changed.connect(self._paint_icons)

    def showEvent(self, event: QShowEvent) -> None:
        """Do what costs time only now: the window opens with another page."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self._fix_width()
            self._paint_icons()

    def set_usable(self, is_usable: bool) -> None:
        """Say whether the engine is there to be told."""
        for button in (self.order_button, self.pause_button):
            button.setEnabled(is_usable)
        self.pause_button.setToolTip(self._pause_tip() if is_usable else "The engine is not running.")

    def show_view(self, view: str) -> None:
        """Mark what is shown: `LIVE` or `FINISHED`."""
        self.views.choose(view)

    def show_snapshot(self, snapshot: QueueSnapshot) -> None:
        """Show the order, whether new work is paused, and how many have finished."""
        count = snapshot.ended_today
        self.views.rename(FINISHED, f"Finished today {count:,}" if count else FINISHED)
        if snapshot.order != self._order:
            self._show_order(snapshot.order)
        if snapshot.is_paused != self._is_paused:
            self._is_paused = snapshot.is_paused
            self._show_pause()

    # --------------------------------------------------------------------------------------------------------- private

    def _show_order(self, order: str) -> None:
        self._order = order
        words = ORDER_WORDS.get(order)
        name = words.name if words is not None else order
        self.order_button.setText(f"Order: {name[:1].lower()}{name[1:]}")
        self.order_button.setAccessibleName(f"Order of the requests: {name}")
        self.order_button.setToolTip(
            f"{words.hint}\nWhat is chosen here counts until Hearth is closed." if words else ""
        )
        if order in self._orders:
            self._orders[order].setChecked(True)

    def _show_pause(self) -> None:
        button, is_paused = self.pause_button, self._is_paused
        button.setText("Go on" if is_paused else "Pause new work")
        button.setAccessibleName("Go on with new work" if is_paused else "Pause new work")
        button.setToolTip(self._pause_tip())
        button.setProperty("kind", "primary" if is_paused else "")
        button.style().unpolish(button)
        button.style().polish(button)
        self._chip.setVisible(is_paused)
        self._paint_icons()

    def _pause_tip(self) -> str:
        return "Let what waits begin again" if self._is_paused else "Begin nothing new; what runs goes on"

    def _paint_icons(self) -> None:
        if self._was_shown:
            theme = self._appearance.theme
            icon, role = ("play", "accent-text") if self._is_paused else ("pause", "text")
            self.pause_button.setIcon(theme.icon(icon, role, theme.size("icon-small")))

    def _fix_width(self) -> None:
        """Let the button keep its width whichever of its words it shows."""
        words = self.pause_button.text()
        self.pause_button.setText("Pause new work")
        edge = self._appearance.theme.size("icon-small")
        self.pause_button.setIcon(self._appearance.theme.icon("pause", "text", edge))
        self.pause_button.ensurePolished()
        self.pause_button.setMinimumWidth(self.pause_button.sizeHint().width())
        self.pause_button.setText(words)

    def _set_up(self) -> None:
        self.views.choose(LIVE)
        self.views.picked.connect(self.view_picked)
        menu = self.order_button.choices
        group = QActionGroup(menu)
        menu.setToolTipsVisible(True)
        for order in ORDERS:
            words = ORDER_WORDS[order]
            action = menu.addAction(words.name)
            action.setCheckable(True)
            action.setToolTip(words.hint)
            action.setStatusTip(words.hint)
            group.addAction(action)
            action.triggered.connect(partial(self._on_order, order))
            self._orders[order] = action
        self.pause_button.clicked.connect(lambda: self.pause_picked.emit(not self._is_paused))
        self._show_order(ORDERS[0])
        self._show_pause()

    def _on_order(self, order: str, _checked: bool = False) -> None:
        self.order_picked.emit(order)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.setFixedHeight(theme.size("header"))
        title = QLabel("Queue", self)
        title.setProperty("role", "title")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("xl"), 0, theme.space("xl"), 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(title)
        row.addSpacing(theme.space("m"))
        row.addWidget(self.views)
        row.addWidget(self._chip)
        row.addStretch(1)
        row.addWidget(self.order_button)
        row.addWidget(self.pause_button)
