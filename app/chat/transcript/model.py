"""TranscriptModel: the turns of one chat, the truth that the transcript shows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.chat.conversation import Role, Turn

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class TranscriptModel(QAbstractListModel):
    """Turns, the oldest first.

    Signals:
        text_appended: row, and the text that was added to its end; `dataChanged` is not emitted for it, because it
            comes up to some hundred times a second.
        thinking_appended: likewise, of what is thought before the text.

    Thread: UI only.
    """

    text_appended = Signal(int, str)
    thinking_appended = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turns: list[Turn] = []

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count turns."""
        return 0 if parent.isValid() else len(self._turns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text of a turn, and who wrote it for screen readers."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        turn = self._turns[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return turn.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{'You' if turn.role is Role.USER else turn.model}: {turn.text}"
        return None

    @property
    def turns(self) -> Sequence[Turn]:
        """All turns; not to be changed."""
        return self._turns

    def replace_all(self, turns: Sequence[Turn]) -> None:
        """Show another chat."""
        self.beginResetModel()
        self._turns = list(turns)
        self.endResetModel()

    def append(self, turn: Turn) -> int:
        """Add a turn at the end and return its row."""
        row = len(self._turns)
        self.beginInsertRows(_ROOT, row, row)
        self._turns.append(turn)
        self.endInsertRows()
        return row

    def append_text(self, row: int, text: str) -> None:
        """Add text to the end of a turn."""
        turn = self._turns[row]
        self._turns[row] = replace(turn, text=turn.text + text)
        self.text_appended.emit(row, text)

    def append_thinking(self, row: int, text: str) -> None:
        """Add text to the end of what a turn's model thinks."""
        turn = self._turns[row]
        self._turns[row] = replace(turn, thinking=turn.thinking + text)
        self.thinking_appended.emit(row, text)

    def replace(self, row: int, turn: Turn) -> None:
        """Change a turn's text, state, facts or calls."""
        self._turns[row] = turn
        index = self.index(row)
        self.dataChanged.emit(index, index)

    def remove_from(self, row: int) -> list[Turn]:
        """Take a turn and all after it away, and return them."""
        if row >= len(self._turns):
            return []
        self.beginRemoveRows(_ROOT, row, len(self._turns) - 1)
        removed = self._turns[row:]
        del self._turns[row:]
        self.endRemoveRows()
        return removed
