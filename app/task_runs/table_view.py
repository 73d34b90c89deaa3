"""TableOutput: a table that a task returned."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.theme import Appearance
from engine import Table

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_MOST_ROWS = 10  # that are seen without scrolling
_MOST_WIDTH = 280
_LOOKED_AT = 40  # rows that decide how wide a column is


class TableModel(QAbstractTableModel):
    """Rows of texts."""

    def __init__(self, table: Table, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = table

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Count the rows."""
        return 0 if parent.isValid() else len(self._table.rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Count the columns."""
        return 0 if parent.isValid() else len(self._table.columns)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a cell's text."""
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        row = self._table.rows[index.row()]
        return row[index.column()] if index.column() < len(row) else ""

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a column's title."""
        if side is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return self._table.columns[section] if role == Qt.ItemDataRole.DisplayRole else None


def table_view(appearance: Appearance, name: str, table: Table, parent: QWidget) -> QTableView:
    """Make the view of a table, as high as its first rows."""
    theme = appearance.theme
    view = QTableView(parent)
    view.setModel(TableModel(table, view))
    view.setAccessibleName(name)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setTabKeyNavigation(False)
    view.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    view.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(theme.size("row"))
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setResizeContentsPrecision(_LOOKED_AT)
    header.setMaximumSectionSize(_MOST_WIDTH)
    view.resizeColumnsToContents()
    header.setMaximumSectionSize(-1)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    header.setStretchLastSection(True)
    rows = max(1, min(_MOST_ROWS, len(table.rows)))
    view.setFixedHeight(theme.size("table-header") + rows * theme.size("row") + theme.space("m"))
    return view


def table_text(table: Table) -> str:
    """The table as lines with tabs between the cells, for a spreadsheet."""
    rows = (table.columns, *table.rows)
    return "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in rows)
