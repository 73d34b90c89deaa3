"""KeyedModel: a table of things with ids that is changed in place, so that what is selected stays selected."""

from collections.abc import Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
ROOT: Final = QModelIndex()

ENTRY_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The thing that a row stands for."""

_MOST_RUNS: Final = 24  # of neighbours that came or went; more are a new list


class Keyed(Protocol):
    """Something with an id."""

    @property
    def id(self) -> str:
        """Unique among all rows."""


T = TypeVar("T", bound=Keyed)


class KeyedModel(QAbstractTableModel, Generic[T]):
    """Rows keep their identity while others come, go and change places.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[T] = []

    @property
    def rows(self) -> Sequence[T]:
        """All rows."""
        return self._rows

    def entry(self, row: int) -> T | None:
        """What a row stands for; None where there is no such row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, key: str) -> int:
        """Row of an id; -1 where it is not listed."""
        return next((row for row, entry in enumerate(self._rows) if entry.id == key), -1)

    def rowCount(self, parent: Index = ROOT) -> int:
        """Count the rows."""
        return 0 if parent.isValid() else len(self._rows)

    def show_rows(self, rows: Sequence[T]) -> None:
        """List these, in this order."""
        before = [entry.id for entry in self._rows]
        after = [entry.id for entry in rows]
        if before != after and not self._rearrange(before, after, rows):
            self.beginResetModel()
            self._rows = list(rows)
            self.endResetModel()
        self._rows = list(rows)
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, self.columnCount() - 1))

    def _rearrange(self, before: Sequence[str], after: Sequence[str], rows: Sequence[T]) -> bool:
        """Tell the views which rows went, moved and came; return False where that is more trouble than a new list."""
        kept, old = set(after), set(before)
        gone = list(_runs([row for row, key in enumerate(before) if key not in kept]))
        come = list(_runs([row for row, key in enumerate(after) if key not in old]))
        if len(gone) + len(come) > _MOST_RUNS:
            return False
        for first, last in reversed(gone):
            self.beginRemoveRows(ROOT, first, last)
            del self._rows[first : last + 1]
            self.endRemoveRows()
        self._sort([key for key in after if key in old])
        for first, last in come:
            self.beginInsertRows(ROOT, first, last)
            self._rows[first:first] = rows[first : last + 1]
            self.endInsertRows()
        return True

    def _sort(self, wanted: list[str]) -> None:
        if [entry.id for entry in self._rows] == wanted:
            return
        self.layoutAboutToBeChanged.emit()
        places = {key: row for row, key in enumerate(wanted)}
        for index in self.persistentIndexList():
            moved = places[self._rows[index.row()].id]
            self.changePersistentIndex(index, self.index(moved, index.column()))
        self._rows.sort(key=lambda entry: places[entry.id])
        self.layoutChanged.emit()


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch of neighbours."""
    start = before = -2
    for row in rows:
        if row != before + 1:
            if start >= 0:
                yield start, before
            start = row
        before = row
    if start >= 0:
        yield start, before
