"""QueuePage: the frame of the page. What costs much is imported and built when it is opened for the first time."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.queue.controller import QueueController
from app.queue.header import FINISHED, LIVE, HeaderBar
from app.theme import Appearance
from app.theme.widgets import Banner, WatchingPage

if TYPE_CHECKING:
    from app.queue.board import Board


class QueuePage(WatchingPage):
    """The page `queue`: it has the controller look at the queue while it can be seen, and only then.

    Attributes:
        header: the title, the switch and the buttons.
        banner: what did not work.
        board: the content; None until the page has been opened.

    Signals:
        page_wanted: name of another page that the person wants.

    Thread: UI only.
    """

    page_wanted = Signal(str)

    def __init__(self, appearance: Appearance, controller: QueueController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._appearance = appearance
        self._controller = controller
        self._is_usable: bool | None = None
        self.board: Board | None = None
        self.header = HeaderBar(appearance, self)
        self.banner = Banner(appearance, self)
        self._notes = QWidget(self)
        self._waiting = QLabel("The engine is not running yet.", self)
        self._content = QVBoxLayout()
        self._lay_out()
        self._connect()
        self._show_state()

    def focus_first(self) -> None:
        """Give the keyboard to the list."""
        if self.board is not None and self.board.isVisible():
            self.board.focus_first()
        else:
            self.header.views.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_finished(self, is_shown: bool = True) -> None:
        """Show what has finished, or what is going on."""
        self.header.show_view(FINISHED if is_shown else LIVE)
        if self.board is not None:
            self.board.show_finished(is_shown)

    def set_paused(self, is_paused: bool) -> None:
        """Begin nothing new, or go on."""
        self.banner.clear()
        self._controller.set_paused(is_paused)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to look; the first time, build the content."""
        self._build()
        super().showEvent(event)

    def watch(self, is_seen: bool) -> None:
        """Have the controller look, or not."""
        self._controller.watch(is_seen)

    # --------------------------------------------------------------------------------------------------------- private

    def _build(self) -> None:
        if self.board is None:
            from app.queue.board import Board

            self.board = Board(self._appearance, self._controller, self)
            self.board.page_wanted.connect(self.page_wanted)
            self.board.show_finished(self.header.views.choice == FINISHED)
            self._content.addWidget(self.board, 1)
            self._is_usable = None
            self._show_state()

    def _show_state(self) -> None:
        snapshot = self._controller.snapshot
        is_usable = snapshot is not None
        if is_usable is not self._is_usable:
            self._is_usable = is_usable
            self.header.set_usable(is_usable)
            self._waiting.setVisible(not is_usable)
            if self.board is not None:
                self.board.setVisible(is_usable)
        if snapshot is not None:
            self.header.show_snapshot(snapshot)

    def _on_failed(self, cause: str, remedy: str) -> None:
        self.banner.show_message("bad", cause, remedy)

    def _on_order(self, order: str) -> None:
        self.banner.clear()
        self._controller.set_order(order)

    def _connect(self) -> None:
        self.header.view_picked.connect(lambda view: self.show_finished(view == FINISHED))
        self.header.order_picked.connect(self._on_order)
        self.header.pause_picked.connect(self.set_paused)
        self._controller.ticked.connect(self._show_state)
        self._controller.failed.connect(self._on_failed)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._waiting.setProperty("muted", True)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        notes = QVBoxLayout(self._notes)
        notes.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), 0)
        notes.addWidget(self.banner)
        self._notes.hide()
        self.banner.shown_or_hidden.connect(lambda: self._notes.setHidden(self.banner.isHidden()))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.header)
        whole.addWidget(self._notes)
        whole.addWidget(self._waiting, 1)
        whole.addLayout(self._content, 1)
