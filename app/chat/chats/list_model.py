"""ChatListModel: the chats with a caption above each group of days."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.chat.conversation import ChatSummary, group_of

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

SUMMARY_ROLE = Qt.ItemDataRole.UserRole + 1
"""The `ChatSummary` of a row; None for a caption."""
DETAIL_ROLE = Qt.ItemDataRole.UserRole + 2
"""The second line of a row: model, and when, or that it is answering."""
ANSWERING_ROLE = Qt.ItemDataRole.UserRole + 3
"""Whether the chat is being answered now."""


class ChatListModel(QAbstractListModel):
    """Captions and chats, the latest first.

    Signals:
        renamed: id of a chat, and the title the person gave it; the model shows it already.

    Thread: UI only.
    """

    renamed = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | ChatSummary] = []
        self._answering: frozenset[int] = frozenset()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count captions and chats."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, and the roles above."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole, Qt.ItemDataRole.ToolTipRole):
            return row.title
        values = {
            SUMMARY_ROLE: row,
            DETAIL_ROLE: self._detail(row),
            ANSWERING_ROLE: row.id in self._answering,
            Qt.ItemDataRole.AccessibleTextRole: f"{row.title}, {self._detail(row)}",
        }
        return values.get(role)

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Take a title that was typed; an empty one is refused."""
        row = self._rows[index.row()] if index.isValid() else ""
        title = " ".join(str(value).split())
        if isinstance(row, str) or role != Qt.ItemDataRole.EditRole or not title:
            return False
        if title != row.title:
            self._rows[index.row()] = replace(row, title=title)
            self.dataChanged.emit(index, index)
            self.renamed.emit(row.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Captions can be neither chosen nor renamed."""
        if not index.isValid() or isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def show_chats(self, chats: Sequence[ChatSummary], today: date) -> None:
        """List these chats, the latest first."""
        rows: list[str | ChatSummary] = []
        for group, members in groupby(chats, key=lambda chat: group_of(chat.updated_s, today)):
            rows += [group, *members]
        if rows != self._rows:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()

    def show_answering(self, chats: frozenset[int]) -> None:
        """Mark the chats that are being answered."""
        changed, self._answering = self._answering ^ chats, chats
        for row, chat in enumerate(self._rows):
            if isinstance(chat, ChatSummary) and chat.id in changed:
                self.dataChanged.emit(self.index(row), self.index(row))

    def index_of(self, chat: int) -> QModelIndex:
        """Index of a chat; an invalid one where it is not listed."""
        for row, entry in enumerate(self._rows):
            if isinstance(entry, ChatSummary) and entry.id == chat:
                return self.index(row)
        return QModelIndex()

    def _detail(self, chat: ChatSummary) -> str:
        if chat.id in self._answering:
            when = "answering now"
        else:
            moment = datetime.fromtimestamp(chat.updated_s)
            is_recent = group_of(chat.updated_s, datetime.now().date()) != "Earlier"
            when = moment.strftime("%H:%M") if is_recent else moment.strftime("%d %b %Y").lstrip("0")
        return f"{chat.model} · {when}" if chat.model else when
