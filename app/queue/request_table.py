"""RequestTable: requests, ten or ten thousand; arrows choose, and keys act on what is chosen."""

from typing import Final

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.queue.request_delegate import LEAD, RequestDelegate
from app.queue.request_model import NUMBER, REQUEST, SCORE, STARTS, WAITED, RequestModel
from app.queue.table_head import PlainTable
from app.theme import Appearance
from app.theme.brush import Brush
from engine.queueing import QueuedRequest

_FIXED: Final = {NUMBER: 36, WAITED: 76, STARTS: 90}
_SCORE: Final = (200, 380)  # least and most of the column with score and sentence
_REQUEST: Final = 200  # what the titles get before the score gets more


class RequestTable(PlainTable):
    """One selected row at most.

    Signals:
        chosen: id of the request that is selected now; empty for none.
        opened: Enter or a double click: id.
        key_pressed: a letter, a digit or Delete, with a request selected: Qt's number of the key.
        menu_wanted: a menu for the selected request, at a place on the screen.

    Thread: UI only.
    """

    chosen = Signal(str)
    opened = Signal(str)
    key_pressed = Signal(int)
    menu_wanted = Signal(QPoint)

    def __init__(self, appearance: Appearance, model: RequestModel, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.size("row-score"), parent)
        self._brush = Brush(appearance)
        self._model = model
        self._by_key = False
        self.setModel(model)
        self.setItemDelegate(RequestDelegate(appearance, self))
        edge = appearance.theme.space("l")
        self.head.insets = {NUMBER: (edge, 0), SCORE: (LEAD, 0), STARTS: (0, edge - 1)}
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.doubleClicked.connect(self._on_double_click)

    @property
    def selected(self) -> QueuedRequest | None:
        """The request that is selected."""
        rows = self.selectionModel().selectedRows()
        return self._model.entry(rows[0].row()) if rows else None

    def choose(self, request: str) -> bool:
        """Select a request's row; return whether it is listed. An unknown one takes the selection away."""
        row = self._model.row_of(request)
        if row < 0:
            self.clearSelection()
            return False
        selected = self.selected
        if selected is None or selected.id != request:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(self._model.index(row, NUMBER), flags)
        return True

    def let_go(self) -> None:
        """Select nothing."""
        self.selectionModel().clear()

    # -------------------------------------------------------------------------------------------------------------- Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Act on the selected request; the table's own search by letters would only be in the way."""
        key = Qt.Key(event.key())
        has_modifier = bool(event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier)
        selected = self.selected
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and selected is not None:
            self.opened.emit(selected.id)
        elif key == Qt.Key.Key_Menu or (
            key == Qt.Key.Key_F10 and event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        ):
            self._open_menu_by_key()
        elif selected is not None and not has_modifier and (event.text().isalnum() or key == Qt.Key.Key_Delete):
            self.key_pressed.emit(event.key())
        elif not event.text().isalnum() or has_modifier:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the row under the pointer."""
        index = self.indexAt(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._open_menu_by_key()
        elif index.isValid():
            self.menu_wanted.emit(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Have something to move from."""
        super().focusInEvent(event)
        self._by_key = event.reason() not in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if self.selected is None and self._model.rowCount():
            self.selectRow(max(0, self.rowAt(0)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among titles and scores."""
        super().resizeEvent(event)
        self.share_width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that can be seen, then the ring around the whole selected one."""
        super().paintEvent(event)
        rows = self.selectionModel().selectedRows()
        if self.hasFocus() and self._by_key and rows:
            area = self.visualRect(rows[0]).united(self.visualRect(rows[0].siblingAtColumn(STARTS)))
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._brush.ring(painter, QRectF(area))

    def share_width(self) -> None:
        """Give titles and scores what the other columns leave."""
        room = self.viewport().width() - sum(_FIXED.values())
        score = max(_SCORE[0], min(_SCORE[1], room - _REQUEST, round(room * 0.65)))
        for column, width in {**_FIXED, SCORE: score, REQUEST: max(80, room - score)}.items():
            self.setColumnWidth(column, width)

    # --------------------------------------------------------------------------------------------------------- private

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        selected = self.selected
        self.chosen.emit(selected.id if selected is not None else "")

    def _on_double_click(self, index: QModelIndex) -> None:
        request = self._model.entry(index.row())
        if request is not None:
            self.opened.emit(request.id)

    def _open_menu_by_key(self) -> None:
        rows = self.selectionModel().selectedRows()
        if rows:
            area = self.visualRect(rows[0].siblingAtColumn(REQUEST))
            self.menu_wanted.emit(self.viewport().mapToGlobal(area.bottomLeft()))
