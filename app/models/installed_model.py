"""InstalledModel: the rows of the table as Qt wants them; what is slow to know is asked for when a row is painted."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.models.fit_book import Judgement
from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.words import JUDGING, FitLook, look_of

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

ROW_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The `Row`."""
LOOK_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""The `FitLook` of its verdict; asking for it has the verdict looked up."""
STATE_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""Its `LoadState`."""
DEVICE_ROLE: Final = Qt.ItemDataRole.UserRole + 4
"""The device that it is on, or was measured on."""

UNREADABLE: Final = FitLook("warning", "neutral", "Unknown")
UNUSABLE: Final = FitLook("error", "bad", "Cannot be used")


class InstalledModel(QAbstractListModel):
    """One column; a row is as long as the table is wide.

    Thread: UI only.
    """

    def __init__(
        self,
        judge: Callable[[Row], Judgement | None],
        state: Callable[[Row], LoadState],
        device: Callable[[Row], str],
        parent: QObject | None = None,
    ) -> None:
        """Make an empty one.

        Args:
            judge: says what is known of a row, and has the rest found out.
            state: how a row is now.
            device: where it is, in words.
            parent: where it lives.
        """
        super().__init__(parent)
        self._rows: list[Row] = []
        self._at: dict[str, int] = {}
        self._judge, self._state, self._device = judge, state, device

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count rows."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, and the roles above."""
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == LOOK_ROLE:
            return self.look(row)
        if role == STATE_ROLE:
            return self._state(row)
        if role == DEVICE_ROLE:
            return self._device(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._in_words(row)
        return self._tip(row) if role == Qt.ItemDataRole.ToolTipRole else None

    def look(self, row: Row) -> FitLook:
        """How the verdict on a row is shown."""
        if row.is_refused:
            return UNUSABLE
        found = self._judge(row)
        if found is None:
            return JUDGING
        return look_of(found.verdict) if found.verdict is not None else UNREADABLE

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these, in this order; equal ones cost nothing."""
        if [row.id for row in rows] == list(self._at):
            before, self._rows = self._rows, list(rows)
            changed = [at for at, (old, new) in enumerate(zip(before, rows, strict=True)) if old != new]
            if changed:
                self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self._at = {row.id: at for at, row in enumerate(rows)}
        self.endResetModel()

    def row(self, at: int) -> Row | None:
        """A row by its place."""
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def index_of(self, model: str) -> QModelIndex:
        """Index of a model; an invalid one where it is not shown."""
        at = self._at.get(model)
        return QModelIndex() if at is None else self.index(at)

    def _in_words(self, row: Row) -> str:
        state = row.cause if row.is_refused else self._state(row).words
        pinned = ", stays in memory" if not row.is_refused and self._state(row).is_pinned else ""
        speed = row.speed if any(letter.isdigit() for letter in row.speed) else "not measured"
        favourite = ", favourite" if row.is_favourite else ""
        look = self.look(row).words
        return f"{row.title}, {row.subtitle}, {row.size}, {look}, {speed}, {state}{pinned}{favourite}"

    def _tip(self, row: Row) -> str:
        return f"{row.cause} {row.remedy}".strip() if row.is_refused else ""
