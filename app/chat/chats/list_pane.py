"""ChatListPane: the pane at the left with New, search and the chats."""

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QListView, QMenu, QPushButton, QVBoxLayout, QWidget

from app.chat.chats.list_delegate import ChatDelegate
from app.chat.chats.list_model import SUMMARY_ROLE
from app.chat.chats.shelf import ChatShelf
from app.chat.conversation import ChatSummary
from app.theme import Appearance

_SEARCH_PAUSE_MS = 150
_ROWS_AT_ONCE = 200


class _ChatList(QListView):
    """The list.

    Signals:
        delete_pressed: the Delete key.
    """

    delete_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete deletes; the rest is as in every list."""
        if event.key() == Qt.Key.Key_Delete:
            self.delete_pressed.emit()
        else:
            super().keyPressEvent(event)


class ChatListPane(QWidget):
    """Shows a `ChatShelf`.

    Signals:
        chosen: id of the chat to open.
        new_requested: begin a new chat.

    Thread: UI only.
    """

    chosen = Signal(int)
    new_requested = Signal()

    def __init__(self, appearance: Appearance, shelf: ChatShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._shelf = shelf
        self._current = 0
        self.new_button = QPushButton("New", self)
        self.search = QLineEdit(self)
        self.list = _ChatList(self)
        self._find = QAction("Search", self.search)
        self._nothing = QLabel("No chat says that", self)
        self._pause = QTimer(self, singleShot=True, interval=_SEARCH_PAUSE_MS)
        self.setObjectName("listPane")
        self.setProperty("region", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Chats")
        self._set_up()
        self._lay_out()
        self._connect()
        self._restyle()

    def show_current(self, chat: int) -> None:
        """Mark the chat that is open; 0 marks none."""
        self._current = chat
        index = self._shelf.model.index_of(chat)
        if index.isValid():
            self.list.setCurrentIndex(index)
        else:
            self.list.clearSelection()
            self.list.setCurrentIndex(QModelIndex())

    def rename(self, chat: int) -> None:
        """Let the person type another title in place."""
        index = self._shelf.model.index_of(chat)
        if index.isValid():
            self.list.setCurrentIndex(index)
            self.list.edit(index)

    def _set_up(self) -> None:
        theme = self._appearance.theme
        self.setFixedWidth(theme.size("list-pane"))
        self.new_button.setAccessibleName("New chat")
        self.new_button.setToolTip(f"New chat ({QKeySequence('Ctrl+N').toString()})")
        self.search.setPlaceholderText("Search all chats")
        self.search.setAccessibleName("Search all chats")
        self.search.setToolTip(f"Search titles and messages ({QKeySequence('Ctrl+F').toString()})")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(self._find, QLineEdit.ActionPosition.LeadingPosition)
        self.list.setModel(self._shelf.model)
        self.list.setItemDelegate(ChatDelegate(self._appearance, self.list))
        self.list.setAccessibleName("Chats, the latest first")
        self.list.setMouseTracking(True)
        self.list.setLayoutMode(QListView.LayoutMode.Batched)  # thousands of chats would hold up the window
        self.list.setBatchSize(_ROWS_AT_ONCE)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QListView.EditTrigger.EditKeyPressed)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setProperty("pane", True)
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._nothing.hide()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = QLabel("Chats", self)
        title.setProperty("role", "title")
        head = QHBoxLayout()
        head.setContentsMargins(theme.space("l"), theme.space("m"), theme.space("l"), theme.space("m"))
        head.addWidget(title, 1)
        head.addWidget(self.new_button)
        find = QHBoxLayout()
        find.setContentsMargins(theme.space("l"), 0, theme.space("l"), theme.space("xs"))
        find.addWidget(self.search)
        rows = QVBoxLayout()
        rows.setContentsMargins(theme.space("s"), 0, theme.space("s"), theme.space("s"))
        rows.addWidget(self._nothing)
        rows.addWidget(self.list, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 1, 0)  # the line at the right belongs to the pane
        whole.setSpacing(0)
        whole.addLayout(head)
        whole.addLayout(find)
        whole.addLayout(rows, 1)

    def _connect(self) -> None:
        self.new_button.clicked.connect(self.new_requested)
        self.search.textChanged.connect(self._pause.start)
        self._pause.timeout.connect(self._on_search)
        self.list.clicked.connect(self._on_chosen)
        self.list.activated.connect(self._on_chosen)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.delete_pressed.connect(self._on_delete)
        self.list.customContextMenuRequested.connect(self._on_menu)
        self._shelf.model.modelReset.connect(self._on_reset)
        self._appearance.changed.connect(self._restyle)

    def _on_search(self) -> None:
        self._shelf.search(self.search.text())

    def _on_reset(self) -> None:
        self.show_current(self._current)
        self._nothing.setVisible(self._shelf.model.rowCount() == 0 and bool(self.search.text().strip()))

    def _on_current(self, index: QModelIndex) -> None:
        if self.list.hasFocus():
            self._on_chosen(index)

    def _on_chosen(self, index: QModelIndex) -> None:
        summary = index.data(SUMMARY_ROLE)
        if isinstance(summary, ChatSummary) and summary.id != self._current:
            self._current = summary.id
            self.chosen.emit(summary.id)

    def _on_delete(self) -> None:
        summary = self.list.currentIndex().data(SUMMARY_ROLE)
        if isinstance(summary, ChatSummary):
            self._shelf.delete(summary.id)

    def _on_menu(self, where: QPoint) -> None:
        index = self.list.indexAt(where)
        summary = index.data(SUMMARY_ROLE)
        if not isinstance(summary, ChatSummary):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = QAction("Rename\tF2", menu)
        rename.triggered.connect(lambda: self.rename(summary.id))
        delete = QAction("Delete\tDel", menu)
        delete.triggered.connect(lambda: self._shelf.delete(summary.id))
        menu.addActions([rename, delete])
        menu.popup(self.list.viewport().mapToGlobal(where))

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self.new_button.setIcon(theme.icon("plus", "text", edge))
        self.new_button.setIconSize(QSize(edge, edge))
        self._find.setIcon(theme.icon("search", "text-muted", edge))
        self.list.viewport().update()
