"""DiscoverModel: captions and models of the list of what can be found."""

from html import escape
from typing import Any, Final

from PySide6.QtCore import Qt

from app.models.discover_rows import Find
from app.theme.widgets.keyed_rows import KeyedRows

FIND_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The `Find` of a row; None for a caption."""


class DiscoverModel(KeyedRows[Find]):
    """Captions and models. Thread: UI only."""

    def value(self, entry: Find, role: int) -> Any:
        """Give the words of a model, and what it stands for."""
        if role == FIND_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(entry.tip)}</p>".replace("\n", "<br>")  # never read as HTML
        return entry.sentence if role == Qt.ItemDataRole.AccessibleTextRole else None
