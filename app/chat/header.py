"""ChatHeader: the title of the chat that is shown, and what can be done with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton


class ChatHeader(QWidget):
    """The row above a chat.

    Signals:
        list_requested: show the list of chats.
        rename_requested, copy_requested, delete_requested: from the menu.

    Thread: UI only.
    """

    list_requested = Signal()
    rename_requested = Signal()
    copy_requested = Signal()
    delete_requested = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        theme = appearance.theme
        self.setObjectName("pageHeader")
        self.setProperty("region", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(theme.size("header"))
        self._list = IconButton(appearance, "chevron-right", "Show the chats (Ctrl+B)", parent=self)
        self._title = ElidedLabel("", self)
        self._title.setProperty("role", "title")
        self._more = IconButton(appearance, "more", "More for this chat", parent=self)
        self._menu = QMenu(self)
        self._actions: list[QAction] = []
        for words, signal in (
            ("Rename", self.rename_requested),
            ("Copy the whole chat", self.copy_requested),
            ("Delete", self.delete_requested),
        ):
            action = self._menu.addAction(words)
            action.triggered.connect(signal)
            self._actions.append(action)
        self._row = QHBoxLayout(self)
        self._row.addWidget(self._list)
        self._row.addWidget(self._title, 1)
        self._row.addWidget(self._more)
        self._list.clicked.connect(self.list_requested)
        self._more.clicked.connect(self._open_menu)

    def show_chat(self, title: str, *, is_saved: bool) -> None:
        """Show a title; a chat without messages can be neither renamed nor deleted."""
        self._title.setText(title)
        self._more.setEnabled(is_saved)

    def show_list_state(self, *, is_open: bool) -> None:
        """Offer to show the list of chats while it is folded away."""
        self._list.setVisible(not is_open)
        theme = self._appearance.theme
        self._row.setContentsMargins(theme.space("xl" if is_open else "m"), 0, theme.space("xl"), 0)

    def _open_menu(self) -> None:
        corner = self._more.mapToGlobal(self._more.rect().bottomRight())
        corner.setX(corner.x() - self._menu.sizeHint().width())
        self._menu.popup(corner)
