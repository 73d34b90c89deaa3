"""DiscoverModel: captions and models of the list of what can be found."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.models.discover_rows import DiscoverRow, Find

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()
FIND_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The `Find` of a row; None for a caption."""


class DiscoverModel(QAbstractListModel):
    """Captions and models. Thread: UI only."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[DiscoverRow, ...] = ()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count captions and models."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, and what it stands for."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role == FIND_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(row.tip)}</p>".replace("\n", "<br>")  # never read as HTML
        return row.sentence if role == Qt.ItemDataRole.AccessibleTextRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Captions cannot be chosen."""
        if not index.isValid() or isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    @property
    def rows(self) -> tuple[DiscoverRow, ...]:
        """All rows."""
        return self._rows

    def show_rows(self, rows: Sequence[DiscoverRow]) -> None:
        """List these; where only words are others, nothing is chosen anew."""
        before = self._rows
        if [_key(row) for row in rows] == [_key(row) for row in before]:
            self._rows = tuple(rows)
            changed = [at for at, (old, new) in enumerate(zip(before, rows, strict=True)) if old != new]
            if changed:
                self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
            return
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def index_of(self, find: str) -> QModelIndex:
        """Index of a model by its id; an invalid one where it is not listed."""
        for at, row in enumerate(self._rows):
            if isinstance(row, Find) and row.id == find:
                return self.index(at)
        return QModelIndex()


def _key(row: DiscoverRow) -> str:
    return row.id if isinstance(row, Find) else f"caption {row}"
