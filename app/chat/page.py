"""ChatPage: list, transcript and composer; lays out and connects, and leaves the work to the controller."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QGuiApplication,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.chat.chats import ChatListPane
from app.chat.composer import Composer
from app.chat.controller import ChatController
from app.chat.conversation import ChatSummary, Role
from app.chat.empty_state import EmptyState
from app.chat.failure import Failure, Remedy
from app.chat.header import ChatHeader
from app.chat.model_menu import fill_pickers, fill_tools
from app.chat.plain_text import plain_text_of
from app.chat.toast import Toast
from app.chat.transcript import TranscriptView
from app.markdown.link_question import ask_to_open
from app.theme import Appearance
from app.theme.widgets import Banner

_FOLDS_BELOW = 1100  # width of the window; the list takes its place from there on


class ChatPage(QWidget):
    """The page `chat`.

    Attributes:
        transcript, composer, pane, banner: its parts.

    Signals:
        memory_wanted: the person wants to set how much memory models may take.

    Thread: UI only.
    """

    memory_wanted = Signal()

    def __init__(self, appearance: Appearance, controller: ChatController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self._remedies = (Remedy.NONE, Remedy.NONE)  # of the two buttons of the banner
        self._knows_device = False  # whether the picker says where the model lives
        self._list_wanted: bool | None = None  # what the person decided; None follows the width
        self.setObjectName("page")
        self.pane = ChatListPane(appearance, controller.shelf, self)
        self.header = ChatHeader(appearance, self)
        self.banner = Banner(appearance, self)
        self.empty = EmptyState(appearance, self)
        self.transcript = TranscriptView(appearance, self)
        self.transcript.setProperty("region", True)
        self.composer = Composer(appearance, self)
        self.toast = Toast(appearance, self)
        self._stack = QStackedWidget(self)
        self._lay_out()
        self._connect_parts()
        self._connect_controller()
        self._add_shortcuts()
        self._on_session()
        self._on_choices()

    def focus_first(self) -> None:
        """Give the keyboard to the message."""
        self.composer.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def new_chat(self) -> None:
        """Begin a new chat."""
        self._clear_banner()
        self._controller.new_chat()
        self.focus_first()

    def find_chat(self) -> None:
        """Give the keyboard to the search over all chats."""
        if self.pane.isHidden():
            self.toggle_list()
        self.pane.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.pane.search.selectAll()

    def ask_again(self) -> None:
        """Have the newest message answered again."""
        self._clear_banner()
        self._controller.ask_again()

    def copy_last_answer(self) -> None:
        """Put the newest answer on the clipboard."""
        turns = self._controller.session.transcript.turns
        text = next((turn.text for turn in reversed(turns) if turn.role is Role.ANSWER), "")
        if text:
            QGuiApplication.clipboard().setText(text)

    # --------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.transcript)
        banner = QHBoxLayout()
        banner.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), 0)
        banner.addWidget(self.banner)
        foot = QHBoxLayout()
        foot.setContentsMargins(theme.space("xl"), theme.space("s"), theme.space("xl"), theme.space("l"))
        self.composer.setMaximumWidth(theme.size("reading-width"))
        foot.addWidget(self.composer)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.header)
        self._banner_room = QWidget(self)
        self._banner_room.setLayout(banner)
        self._banner_room.hide()
        right.addWidget(self._banner_room)
        right.addWidget(self._stack, 1)
        right.addLayout(foot)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.pane)
        whole.addLayout(right, 1)

    def _connect_parts(self) -> None:
        controller = self._controller
        self.pane.chosen.connect(controller.open_chat)
        self.pane.new_requested.connect(self.new_chat)
        self.header.list_requested.connect(self.toggle_list)
        self.header.rename_requested.connect(self._on_rename)
        self.header.copy_requested.connect(self._on_copy_chat)
        self.header.delete_requested.connect(self._on_delete)
        self.empty.chosen.connect(controller.send)
        self.composer.sent.connect(self._on_sent)
        self.composer.stop_requested.connect(self._on_stop)
        self.composer.model.opened.connect(controller.look_for_models)  # for the next time it opens
        self.composer.model.picked.connect(controller.choices.choose_model)
        self.composer.preset.picked.connect(controller.choices.choose_preset)
        self.composer.preset.also_picked.connect(controller.choices.choose_thinking)
        self.composer.tools.switched.connect(controller.choose_tools)
        self.transcript.call_decided.connect(controller.decide)
        self.transcript.copy_requested.connect(self._on_copy)
        self.transcript.link_pressed.connect(self._on_link)
        self.transcript.line_action.connect(self._on_line_action)
        self.banner.pressed.connect(lambda: self._help(self._remedies[0]))
        self.banner.other_pressed.connect(lambda: self._help(self._remedies[1]))
        self.banner.closed.connect(self._banner_room.hide)

    def _connect_controller(self) -> None:
        controller = self._controller
        controller.session_changed.connect(self._on_session)
        controller.state_changed.connect(self._on_state)
        controller.answered.connect(self._on_answered)
        controller.failed.connect(self._on_failed)
        controller.choices.changed.connect(self._on_choices)
        controller.tools_changed.connect(self._show_tools)
        controller.asked.connect(self._on_asked)
        controller.shelf.deleted.connect(self._on_deleted)

    def _add_shortcuts(self) -> None:
        for keys, slot in (
            ("Ctrl+N", self.new_chat),
            ("Ctrl+F", self.find_chat),
            ("Ctrl+B", self.toggle_list),
            ("Ctrl+R", self.ask_again),
            ("Ctrl+M", self.composer.model.open_menu),
            ("Ctrl+P", self.composer.preset.open_menu),
            ("Ctrl+T", self.composer.tools.open_menu),
            ("Ctrl+Shift+C", self.copy_last_answer),
            ("Esc", self.composer.escape),
        ):
            shortcut = QShortcut(QKeySequence(keys), self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the list away where there is no room for it."""
        super().resizeEvent(event)
        self._fold()
        self.toast.place(self.composer.y())

    def toggle_list(self) -> None:
        """Show the list, or fold it away."""
        self._list_wanted = self.pane.isHidden()
        self._fold()

    def _fold(self) -> None:
        has_room = self.window().width() >= _FOLDS_BELOW
        is_open = has_room if self._list_wanted is None else self._list_wanted
        self.pane.setVisible(is_open)
        self.header.show_list_state(is_open=is_open)

    # ---------------------------------------------------------------------------------------- the controller's signals

    def _on_session(self) -> None:
        session = self._controller.session
        self.header.show_chat(session.title, is_saved=session.summary is not None)
        self.pane.show_current(session.id)
        self.transcript.set_model(session.transcript)
        session.transcript.rowsInserted.connect(self._show_stack, Qt.ConnectionType.UniqueConnection)
        self._show_stack()
        self._show_tools()

    def _show_tools(self) -> None:
        controller = self._controller
        fill_tools(self.composer, controller.tools, controller.session.tools, controller.choices)

    def _show_stack(self) -> None:
        is_empty = self._controller.session.last is None and not self._controller.session.is_busy
        self._stack.setCurrentWidget(self.empty if is_empty else self.transcript)

    def _on_state(self) -> None:
        session = self._controller.session
        if session.progress is not None:
            self.transcript.show_progress(session.progress.words, session.progress.facts)
        self.composer.show_context(session.used_tokens, self._controller.choices.context_tokens)
        if session.is_busy != self.composer.is_busy or not session.is_busy:
            self.composer.show_busy(session.is_busy)
            self._show_stack()
            self._on_choices()
        elif session.used_tokens and not self._knows_device:
            self._on_choices()  # the first token: the model is loaded now

    def _on_choices(self) -> None:
        choices = self._controller.choices
        self._knows_device = bool(choices.loaded_device)
        if choices.is_known:
            self.empty.show_model(choices.current.id if choices.current else "", choices.folder)
        else:
            self.empty.show_looking()
        fill_pickers(self.composer, choices)
        self._show_tools()
        self.composer.show_context(self._controller.session.used_tokens, choices.context_tokens)

    def _on_answered(self, text: str) -> None:
        # Once an answer, and only while the page is there to be heard about.
        if self.isVisible():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.transcript, f"Answer: {text}"))

    def _on_asked(self, words: str) -> None:
        if self.isVisible():
            said = f"The model wants to call {words}. Allow or refuse it in the conversation."
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.transcript, said))

    def _on_failed(self, failure: Failure) -> None:
        self._remedies = (failure.button, failure.other)
        self.composer.disarm()
        self._banner_room.show()
        words = (failure.cause, failure.remedy, failure.button.value, failure.other.value)
        self.banner.show_message(failure.kind, *words)

    def _on_deleted(self, summary: ChatSummary) -> None:
        self.toast.place(self.composer.y())
        self.toast.offer_undo("Chat deleted", lambda: self._controller.shelf.restore(summary.id))

    # ---------------------------------------------------------------------------------------- what the person presses

    def _on_sent(self, text: str) -> None:
        self._clear_banner()
        if not self._controller.send(text):
            self.composer.write(text)

    def _on_stop(self) -> None:
        self.composer.disarm()
        self._controller.stop()

    def _on_rename(self) -> None:
        if self.pane.isHidden():
            self.toggle_list()
        self.pane.rename(self._controller.session.id)

    def _on_delete(self) -> None:
        self._controller.shelf.delete(self._controller.session.id)

    def _on_copy_chat(self) -> None:
        turns = self._controller.session.transcript.turns
        names = {Role.USER: "You", Role.ANSWER: "Hearth"}
        words = "\n\n".join(f"**{turn.model or names[turn.role]}**\n\n{turn.words}" for turn in turns)
        QGuiApplication.clipboard().setText(words)

    def _on_copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def _on_line_action(self, turn: int, action: str) -> None:
        if action == "again":
            self.ask_again()
            return
        texts = {entry.id: entry.text for entry in self._controller.session.transcript.turns}
        text = texts.get(turn, "")
        QGuiApplication.clipboard().setText(plain_text_of(text) if action == "plain" else text)

    def _help(self, remedy: Remedy) -> None:
        self._clear_banner()
        if remedy is Remedy.CHOOSE_MODEL:
            self.composer.model.open_menu()
        elif remedy is Remedy.LOOK_AGAIN:
            self._controller.look_for_models()
        elif remedy is Remedy.SET_MEMORY:
            self.memory_wanted.emit()
        else:
            self._controller.ask_again(drop_oldest=remedy is Remedy.DROP_OLDEST)

    def _on_link(self, url: str) -> None:
        ask_to_open(url, "The model", self)

    def _clear_banner(self) -> None:
        self.banner.clear()
        self._banner_room.hide()
