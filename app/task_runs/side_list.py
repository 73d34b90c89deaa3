"""SideList: rows of two lines in the pane at the left, for tasks and for runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.theme import Appearance

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_ROW_ROLE = Qt.ItemDataRole.UserRole
_MARK = 3
_INSET = 12


@dataclass(frozen=True, slots=True)
class SideRow:
    """One row: what it stands for, its two lines, and an icon with its colour role at the right."""

    key: object
    title: str
    detail: str
    icon: str = ""
    role: str = "text-muted"


class SideModel(QAbstractListModel):
    """The rows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: tuple[SideRow, ...] = ()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Count the rows."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, or the row."""
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        row = self.rows[index.row()]
        values = {
            Qt.ItemDataRole.DisplayRole: row.title,
            Qt.ItemDataRole.ToolTipRole: f"{row.title}\n{row.detail}",
            Qt.ItemDataRole.AccessibleTextRole: f"{row.title}, {row.detail}",
            _ROW_ROLE: row,
        }
        return values.get(Qt.ItemDataRole(role))

    def show(self, rows: Sequence[SideRow]) -> None:
        """Show other rows; keeps the selection where the same things stand in the same places."""
        are_same = [row.key for row in rows] == [row.key for row in self.rows]
        if are_same:
            self.rows = tuple(rows)
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()


class SideList(QListView):
    """The list.

    Signals:
        picked: key of the row that was chosen by the person.
    """

    picked = Signal(object)

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_marking = False
        self._model = SideModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_SideDelegate(appearance, self))
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setProperty("pane", True)
        self.selectionModel().currentChanged.connect(self._on_current)

    @property
    def rows(self) -> tuple[SideRow, ...]:
        """What is shown."""
        return self._model.rows

    def show_rows(self, rows: Sequence[SideRow], marked: object) -> None:
        """Show rows, and mark the one with this key, without `picked`."""
        self._is_marking = True
        self._model.show(rows)
        at = next((at for at, row in enumerate(rows) if row.key == marked), -1)
        self.setCurrentIndex(self._model.index(at) if at >= 0 else QModelIndex())
        if at < 0:
            self.clearSelection()
        self._is_marking = False

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid() and not self._is_marking:
            self.picked.emit(self._model.rows[index.row()].key)


class _SideDelegate(QStyledItemDelegate):
    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, self._appearance.theme.size("row-double"))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        theme = self._appearance.theme
        rect: QRect = option.rect
        row: SideRow = index.data(_ROW_ROLE)
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, rect, option.state)
        edge = theme.size("icon-small") if row.icon else 0
        if row.icon:
            place = QRect(rect.right() - _INSET - edge + 1, rect.top() + 8, edge, edge)
            theme.icon(row.icon, row.role, edge).paint(painter, place)
        room = rect.adjusted(_INSET, 0, -_INSET - edge, 0)
        self._line(painter, room, 8, "strong" if is_selected else "body", "text", row.title)
        self._line(painter, room, 28, "small", "text-muted", row.detail)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag) -> None:
        theme = self._appearance.theme
        radius = theme.radius("small")
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(theme.color("selection" if is_selected else "hover"))
            painter.drawRoundedRect(rect, radius, radius)
        if is_selected:
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRectF(rect.left(), rect.top() + 12, _MARK, rect.height() - 24), 1.5, 1.5)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.color("focus"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), radius, radius)

    def _line(self, painter: QPainter, room: QRect, top: int, type_name: str, role: str, words: str) -> None:
        theme = self._appearance.theme
        font = theme.font(type_name)
        painter.setFont(font)
        painter.setPen(theme.color(role))
        line = QRect(room.left(), room.top() + top, room.width(), theme.line(type_name))
        shown = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown)
