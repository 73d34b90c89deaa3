"""ChatShelf: finds, renames, deletes and brings back chats."""

from datetime import datetime

from PySide6.QtCore import QObject, Signal

from app.chat.chats.list_model import SUMMARY_ROLE, ChatListModel
from app.chat.conversation import ChatSummary
from app.chat.database import ChatDatabase
from app.chat.store import ChatStore
from app.tasks import Tasks


class ChatShelf(QObject):
    """The person's chats, as far as the search lets them through.

    Attributes:
        model: for the list.

    Signals:
        renamed: a chat has a new title: id, title.
        deleted: a chat was hidden; it can be restored until the program ends.

    Thread: UI only.
    """

    renamed = Signal(int, str)
    deleted = Signal(object)

    def __init__(self, store: ChatStore, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = ChatListModel(self)
        self._store = store
        self._tasks = tasks
        self._query = ""
        self._generation = 0  # only the newest search may fill the list
        self.model.renamed.connect(self._on_renamed)

    def search(self, query: str) -> None:
        """Show only chats that say this somewhere."""
        self._query = query
        self.refresh()

    def refresh(self) -> None:
        """Read the list again."""
        self._generation += 1
        self._tasks.start(self._load(self._generation), name="list chats")

    def delete(self, chat: int) -> None:
        """Hide a chat."""
        index = self.model.index_of(chat)
        summary = self.model.data(index, SUMMARY_ROLE) if index.isValid() else None
        if isinstance(summary, ChatSummary):
            self._store.post(ChatDatabase.set_deleted, chat, True)
            self.refresh()
            self.deleted.emit(summary)

    def restore(self, chat: int) -> None:
        """Bring a hidden chat back."""
        self._store.post(ChatDatabase.set_deleted, chat, False)
        self.refresh()

    async def _load(self, generation: int) -> None:
        chats = await self._store.run(ChatDatabase.chats, self._query)
        if generation == self._generation:
            self.model.show_chats(chats, datetime.now().date())

    def _on_renamed(self, chat: int, title: str) -> None:
        self._store.post(ChatDatabase.rename_chat, chat, title)
        self.renamed.emit(chat, title)
