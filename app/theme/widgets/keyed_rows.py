"""KeyedRows: a list of captions and entries that keep their place on the screen while only their words change."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


class Keyed(Protocol):
    """An entry that is known by its id."""

    @property
    def id(self) -> str:
        """The same while the entry changes; no other entry has it."""


Entry = TypeVar("Entry", bound=Keyed)


class KeyedRows(QAbstractListModel, Generic[Entry]):
    """Captions, which are plain words, and entries, which can be chosen.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | Entry] = []
        self._at: dict[str, int] = {}  # of entries, by id
        self._captions: dict[int, str] = {}  # by place

    @property
    def count(self) -> int:
        """How many entries are listed, captions left out."""
        return len(self._rows) - len(self._captions)

    def value(self, entry: Entry, role: int) -> Any:
        """What an entry has to say in a role."""
        raise NotImplementedError

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count captions and entries."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a caption, and whatever an entry says."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        return self.value(row, role)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Captions cannot be chosen."""
        if not index.isValid() or isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    def entry(self, at: int) -> Entry | None:
        """The entry in a place; None for a caption, and where there is no row."""
        row = self._rows[at] if 0 <= at < len(self._rows) else ""
        return None if isinstance(row, str) else row

    def index_of(self, key: str) -> QModelIndex:
        """Index of an entry by its id; an invalid one where it is not listed."""
        at = self._at.get(key)
        return QModelIndex() if at is None else self.index(at)

    def show_rows(
        self,
        rows: Sequence[str | Entry],
        is_other: Callable[[str | Entry, str | Entry], bool] = operator.ne,
    ) -> None:
        """List these in this order; while the same are listed nothing is laid out or chosen anew.

        Args:
            rows: captions and entries.
            is_other: whether a row has to be painted again, given what it was and what it is.
        """
        before = self._rows
        at: dict[str, int] = {}
        for number, row in enumerate(rows):
            if not isinstance(row, str):
                at.setdefault(row.id, number)
        captions = {number: row for number, row in enumerate(rows) if isinstance(row, str)}
        if len(rows) != len(before) or at != self._at or captions != self._captions:
            self.beginResetModel()
            self._rows, self._at, self._captions = list(rows), at, captions
            self.endResetModel()
            return
        self._rows = list(rows)
        changed = [number for number, (old, new) in enumerate(zip(before, rows, strict=True)) if is_other(old, new)]
        if changed:  # one signal: a view lays itself out for each
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
