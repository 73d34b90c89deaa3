"""InstalledModel: the rows of the table as Qt wants them; what is slow to know is asked for when a row is painted."""

from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from app.models.fit_book import Judgement
from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.words import JUDGING, FitLook, look_of
from app.theme.widgets.keyed_rows import KeyedRows

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


class InstalledModel(KeyedRows[Row]):
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
        self._judge, self._state, self._device = judge, state, device

    def value(self, entry: Row, role: int) -> Any:
        """Give the words of a row, and the roles above."""
        if role == ROW_ROLE:
            return entry
        if role == LOOK_ROLE:
            return self.look(entry)
        if role == STATE_ROLE:
            return self._state(entry)
        if role == DEVICE_ROLE:
            return self._device(entry)
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._in_words(entry)
        return self._tip(entry) if role == Qt.ItemDataRole.ToolTipRole else None

    def look(self, row: Row) -> FitLook:
        """How the verdict on a row is shown."""
        if row.is_refused:
            return UNUSABLE
        found = self._judge(row)
        if found is None:
            return JUDGING
        return look_of(found.verdict) if found.verdict is not None else UNREADABLE

    def _in_words(self, row: Row) -> str:
        state = row.cause if row.is_refused else self._state(row).words
        pinned = ", stays in memory" if not row.is_refused and self._state(row).is_pinned else ""
        speed = row.speed if any(letter.isdigit() for letter in row.speed) else "not measured"
        favourite = ", favourite" if row.is_favourite else ""
        look = self.look(row).words
        return f"{row.title}, {row.subtitle}, {row.size}, {look}, {speed}, {state}{pinned}{favourite}"

    def _tip(self, row: Row) -> str:
        return f"{row.cause} {row.remedy}".strip() if row.is_refused else ""
