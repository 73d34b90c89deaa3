"""PreferencesPage: the frame of the page. Its content is built when it is opened for the first time."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.preferences.controller import PreferencesController
from app.preferences.words import counted, disk_words
from app.theme import Appearance
from app.theme.widgets import Banner, ChoiceDialog, Kind, WatchingPage
from app.theme.widgets.labels import text_label

if TYPE_CHECKING:
    from app.preferences.board import Board, MoreCards


class PreferencesPage(WatchingPage):
    """The page `settings`: it has the controller look while it can be seen, and only then.

    Attributes:
        banner: what did not work.
        board: the content; None until the page has been opened.

    Thread: UI only.
    """

    def __init__(
        self,
        appearance: Appearance,
        controller: PreferencesController,
        more: "MoreCards | None" = None,
        parent: QWidget | None = None,
    ) -> None:
        """Make the frame.

        Args:
            appearance: of the page.
            controller: what it shows.
            more: makes cards of others, below those of this page.
            parent: where it lives.
        """
        super().__init__(parent)
        self._more = more
        self.setObjectName("page")
        self._appearance = appearance
        self._controller = controller
        self.board: Board | None = None
        self.banner = Banner(appearance, self)
        self._notes = QWidget(self)
        self._waiting = QLabel("The engine is not running yet.", self)
        self._scroll = QScrollArea(self)
        self._lay_out()
        controller.ticked.connect(self._show_state)
        controller.failed.connect(self._on_failed)
        self._show_state()

    def focus_first(self) -> None:
        """Give the keyboard to the memory for models."""
        if self.board is not None:
            self._scroll.ensureWidgetVisible(self.board.memory.mode)
            self.board.memory.mode.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def ask_to_delete_answers(self) -> ChoiceDialog:
        """Ask whether the kept answers are to be deleted; it does not block."""
        look = self._controller.look
        tier = look.cache.disk if look is not None and look.cache.disk.entries else look.cache.memory if look else None
        what = f"{counted(tier.entries, 'answer')}, {disk_words(tier.size_bytes)}. " if tier else ""
        words = f"{what}Equal questions will be computed again; chats keep their text."
        return self._ask("Delete kept answers?", words, lambda: self._controller.clear(answers=True))

    def ask_to_delete_prompts(self) -> ChoiceDialog:
        """Likewise for what was read of prompts."""
        words = "Long prompts will be read again when they are asked next, which takes a while; chats keep their text."
        return self._ask("Delete what was read of prompts?", words, lambda: self._controller.clear(prefixes=True))

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
            from app.preferences.board import Board

            self.board = Board(self._appearance, self._controller, self._more, self)
            self.board.answers.delete_pressed.connect(self.ask_to_delete_answers)
            self.board.prompts.delete_pressed.connect(self.ask_to_delete_prompts)
            self._scroll.setWidget(self.board)
            self.board.setAutoFillBackground(False)  # QScrollArea has just set it
            self._scroll.verticalScrollBar().rangeChanged.connect(self._on_range)
            self._show_state()

    def _ask(self, title: str, words: str, act: object) -> ChoiceDialog:
        dialog = ChoiceDialog(self._appearance, title, "Keep them", "Delete", self)
        dialog.yes_button.setProperty("kind", "danger")
        label = text_label(words)
        label.setFixedWidth(dialog.room_width)
        dialog.room.addWidget(label)
        dialog.accepted.connect(act)
        dialog.open()
        return dialog

    def _on_range(self, _least: int, most: int) -> None:
        if self.board is not None:
            self.board.leave_room(self._scroll.verticalScrollBar().sizeHint().width() if most else 0)

    def _show_state(self) -> None:
        is_ready = self.board is not None and self._controller.look is not None
        if self._scroll.isHidden() is is_ready or self._waiting.isHidden() is not is_ready:
            self._scroll.setVisible(is_ready)
            self._waiting.setVisible(not is_ready)

    def _on_failed(self, kind: Kind, cause: str, remedy: str) -> None:
        self.banner.show_message(kind, cause, remedy)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._waiting.setProperty("muted", True)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.viewport().setAutoFillBackground(False)
        header = QFrame(self)
        header.setObjectName("pageHeader")
        header.setFixedHeight(theme.size("header"))
        title = QLabel("Settings", header)
        title.setProperty("role", "title")
        row = QVBoxLayout(header)
        row.setContentsMargins(theme.space("xl"), 0, theme.space("xl"), 0)
        row.addWidget(title)
        notes = QVBoxLayout(self._notes)
        notes.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), 0)
        notes.addWidget(self.banner)
        self._notes.hide()
        self.banner.shown_or_hidden.connect(lambda: self._notes.setHidden(self.banner.isHidden()))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for part in (header, self._notes):
            whole.addWidget(part)
        whole.addWidget(self._waiting, 1)
        whole.addWidget(self._scroll, 1)
