"""FinishedCard: what has ended, newest first, with the times it took."""

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.queue.controller import QueueController
from app.queue.empty_note import EmptyNote
from app.queue.finished_model import (
    ENDED,
    FIRST,
    LOAD,
    OUTCOME,
    OUTPUT,
    REQUEST,
    SPEED,
    TOTAL,
    WAITED,
    FinishedModel,
    cell_words,
    detail_of,
)
from app.queue.keyed_model import ENTRY_ROLE, Index
from app.queue.running_card import HEAD
from app.queue.table_head import PlainTable
from app.queue.words import OUTCOME_LOOK, counted
from app.theme import Appearance
from app.theme.brush import Brush
from app.usage import UNKNOWN
from engine.queueing import EndedRequest, Outcome

_WIDTHS: Final = {OUTCOME: 104, ENDED: 68, WAITED: 76, LOAD: 64, FIRST: 88, TOTAL: 72, OUTPUT: 96, SPEED: 92}
_INSET: Final = 16


class FinishedDelegate(QStyledItemDelegate):
    """Paints rows of 52: title over client and model, the outcome with its icon, times at the right."""

    def __init__(self, appearance: Appearance, table: PlainTable) -> None:
        super().__init__(table)
        self._appearance = appearance
        self._table = table
        self._brush = Brush(appearance)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(0, self._appearance.theme.size("row-double"))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        request: EndedRequest = index.data(ENTRY_ROLE)
        rect: QRect = option.rect
        column = index.column()
        brush = self._brush
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hovered = index.row() == self._table.hovered
        brush.row_ground(painter, rect, is_selected=is_selected, is_hovered=is_hovered, is_first=column == REQUEST)
        if column == REQUEST:
            self._paint_title(painter, rect, request, is_selected=is_selected)
        elif column == OUTCOME:
            self._paint_outcome(painter, rect, request.outcome)
        else:
            words = cell_words(request, column)
            room = rect.adjusted(0, 0, -_INSET if column == SPEED else 0, 0)
            role = "text-muted" if words == UNKNOWN or column == ENDED else "text"
            brush.write(painter, room, "body", role, words, right=True)
        painter.restore()

    def _paint_title(self, painter: QPainter, rect: QRect, request: EndedRequest, *, is_selected: bool) -> None:
        theme, write = self._appearance.theme, self._brush.write
        room = QRect(rect.left() + _INSET, rect.top() + 7, rect.width() - _INSET - theme.space("m"), theme.line("body"))
        middle = Qt.TextElideMode.ElideMiddle
        write(painter, room, "body", "text", request.title, weight=600 if is_selected else 500, mode=middle)
        below = QRect(room.left(), room.bottom() + 1, room.width(), theme.line("small"))
        write(painter, below, "small", "text-muted", detail_of(request))

    def _paint_outcome(self, painter: QPainter, rect: QRect, outcome: Outcome) -> None:
        word, icon, role = OUTCOME_LOOK[outcome]
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        place = QRect(rect.left(), rect.center().y() - edge // 2, edge, edge)
        theme.icon(icon, role, edge).paint(painter, place)
        self._brush.write(painter, rect.adjusted(edge + 6, 0, 0, 0), "body", role, word)


class FinishedTable(PlainTable):
    """Ctrl+C copies the selected row."""

    def __init__(self, appearance: Appearance, model: FinishedModel, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.size("row-double"), parent)
        self._model = model
        self._brush = Brush(appearance)
        self._by_key = False
        self.setModel(model)
        self.setItemDelegate(FinishedDelegate(appearance, self))
        self.head.insets = {REQUEST: (_INSET, 0), SPEED: (0, _INSET)}
        self.setAccessibleName("Finished requests")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy with Ctrl+C; else move."""
        rows = self.selectionModel().selectedRows()
        if event.matches(QKeySequence.StandardKey.Copy) and rows:
            request = self._model.entry(rows[0].row())
            if request is not None:
                titles = [self._model.headerData(at, Qt.Orientation.Horizontal) for at in range(len(_WIDTHS) + 1)]
                said = [f"{title}: {cell_words(request, at)}" for at, title in enumerate(titles)]
                QGuiApplication.clipboard().setText("\n".join((*said, detail_of(request))))
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Have something to move from."""
        super().focusInEvent(event)
        self._by_key = event.reason() not in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if not self.selectionModel().hasSelection() and self._model.rowCount():
            self.selectRow(max(0, self.rowAt(0)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give titles what the other columns leave."""
        super().resizeEvent(event)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.setColumnWidth(REQUEST, max(120, self.viewport().width() - sum(_WIDTHS.values())))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that can be seen, then the ring around the whole selected one."""
        super().paintEvent(event)
        rows = self.selectionModel().selectedRows()
        if self.hasFocus() and self._by_key and rows:
            area = self.visualRect(rows[0]).united(self.visualRect(rows[0].siblingAtColumn(SPEED)))
            painter = QPainter(self.viewport())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._brush.ring(painter, QRectF(area))


class FinishedCard(QFrame):
    """The history of this run of Hearth.

    Attributes:
        model: the requests.
        table: where they are shown.
    """

    def __init__(self, appearance: Appearance, controller: QueueController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setAccessibleName("Finished")
        self._appearance = appearance
        self._controller = controller
        self._shown: tuple[EndedRequest, ...] | None = None
        self.model = FinishedModel(self)
        self.table = FinishedTable(appearance, self.model, self)
        self._summary = QLabel(self)
        self.empty = EmptyNote(appearance, "clock", self)
        self._room = QStackedLayout()
        self._lay_out()

    def show_now(self) -> None:
        """Show what the controller saw last."""
        snapshot = self._controller.snapshot
        if snapshot is None:
            return
        if self._shown is None or snapshot.ended != self._shown:
            self._shown = snapshot.ended
            self.model.show_rows(snapshot.ended)
        count = len(snapshot.ended)
        words = f"{counted(snapshot.ended_today, 'request')} today"
        if snapshot.ended_today > count > 0:
            words += f", the latest {count:,} are listed"
        if self._summary.text() != words:
            self._summary.setText(words)
        self._room.setCurrentIndex(0 if count else 1)
        self.setProperty("region", bool(count))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = QLabel("Finished", self)
        title.setProperty("role", "strong")
        self._summary.setProperty("role", "small")
        self._summary.setProperty("muted", True)
        self.empty.say(
            "Nothing has finished yet.", "Every answer, picture and text that ends is listed here with its times."
        )
        head = QWidget(self)
        head.setFixedHeight(HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(theme.space("l") - 1, 0, theme.space("l") - 1, 0)
        row.setSpacing(theme.space("l"))
        row.addWidget(title)
        row.addWidget(self._summary, 1)
        line = QFrame(self)
        line.setProperty("line", "top")
        line.setFixedHeight(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, theme.radius("large"))
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(line)
        self._room.addWidget(self.table)
        self._room.addWidget(self.empty)
        column.addLayout(self._room, 1)
