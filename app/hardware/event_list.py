"""EventList: what happened to the devices, each with the number of its mark on the time axis."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

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
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListView,
    QPushButton,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.hardware.clock import Clock, hour_of
from app.hardware.event_log import NumberedEvent
from app.theme import Appearance
from app.usage import spoken

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

ENTRY_ROLE: Final = Qt.ItemDataRole.UserRole + 1
"""The `NumberedEvent` of a row."""
HOUR_ROLE: Final = Qt.ItemDataRole.UserRole + 2
"""When it happened, as an hour of the day."""
DETAIL_ROLE: Final = Qt.ItemDataRole.UserRole + 3
"""More about it; may be empty."""

ROW_HEIGHT: Final = 50
_CIRCLE: Final = 18
_TIME_WIDTH: Final = 44


class EventModel(QAbstractListModel):
    """Events, the oldest first.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[NumberedEvent, ...] = ()
        self._titles: Mapping[str, str] = {}
        self._said: tuple[tuple[str, str], ...] = ()
        self._hours: tuple[str, ...] = ()
        self._exact: tuple[str, ...] = ()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count events."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, and the roles above."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role == HOUR_ROLE:
            return self._hours[index.row()]
        title, detail = self._said[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == DETAIL_ROLE:
            return detail
        said = ", ".join(filter(None, (title, detail, self._exact[index.row()])))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.number}: {said}"
        return said if role == Qt.ItemDataRole.ToolTipRole else None

    def show_events(self, entries: tuple[NumberedEvent, ...], clock: Clock, titles: Mapping[str, str]) -> bool:
        """List these, with the titles of devices by their ids; returns whether that changed anything."""
        if entries == self._entries and titles == self._titles:
            return False
        moments = [clock.wall(entry.event.at_s) for entry in entries]
        self.beginResetModel()
        self._entries, self._titles = entries, titles
        self._said = tuple((spoken(entry.event.title, titles), spoken(entry.event.detail, titles)) for entry in entries)
        self._hours = tuple(map(hour_of, moments))
        self._exact = tuple(hour_of(moment, with_seconds=True) for moment in moments)
        self.endResetModel()
        return True

    @property
    def entries(self) -> Sequence[NumberedEvent]:
        """What is listed."""
        return self._entries


class EventDelegate(QStyledItemDelegate):
    """Paints rows of 50: number in a circle, title over detail, hour at the right."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(0, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        entry, rect = index.data(ENTRY_ROLE), option.rect
        theme = self._appearance.theme
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.row() < index.model().rowCount() - 1:
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), theme.color("border"))
        self._paint_number(painter, rect, entry.number)
        left = rect.left() + _CIRCLE + theme.space("m")
        room = QRect(left, rect.top() + 6, rect.right() - _TIME_WIDTH - left, theme.line("body"))
        self._write(painter, room, "body", "text", index.data(), Qt.TextElideMode.ElideMiddle)
        below = QRect(left, room.bottom() + 1, room.width(), theme.line("small"))
        self._write(painter, below, "small", "text-muted", index.data(DETAIL_ROLE), Qt.TextElideMode.ElideRight)
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("text-muted"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, index.data(HOUR_ROLE))
        if option.state & QStyle.StateFlag.State_HasFocus and option.state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(theme.color("focus"), theme.size("focus-ring")))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 3, -1, -4), 4, 4)
        painter.restore()

    def _paint_number(self, painter: QPainter, rect: QRect, number: int) -> None:
        theme = self._appearance.theme
        circle = QRectF(rect.left() + 0.5, rect.center().y() - _CIRCLE / 2 + 0.5, _CIRCLE - 1, _CIRCLE - 1)
        painter.setPen(QPen(theme.color("border-strong"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(circle)
        font = theme.font("caption")
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(number))

    def _write(self, painter: QPainter, room: QRect, style: str, role: str, words: str, mode: Qt.TextElideMode) -> None:
        theme = self._appearance.theme
        font = theme.font(style)
        painter.setFont(font)
        painter.setPen(theme.color(role))
        shown = QFontMetrics(font).elidedText(words, mode, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


class EventList(QWidget):
    """The list with its title, or a sentence while nothing has happened.

    Attributes:
        model: the events.
        view: where they are shown.
        budget_button: leads to where the budget of the memory is set.

    Signals:
        budget_pressed: the person wants to set the budget.
    """

    budget_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.model = EventModel(self)
        self.view = QListView(self)
        self.budget_button = QPushButton("Set the budget", self)
        self._nothing = QLabel(self)
        self._room = QStackedLayout()
        self._set_up()
        self._lay_out()
        appearance.changed.connect(self.view.viewport().update)

    def show_events(
        self, entries: tuple[NumberedEvent, ...], clock: Clock, titles: Mapping[str, str], in_words: str
    ) -> None:
        """List these events.

        Args:
            entries: the oldest first.
            clock: gives their hours.
            titles: what the devices are called, by id.
            in_words: of what time they are, such as "in the last minute".
        """
        nothing = f"Nothing happened {in_words}.\nModels that are loaded or let go are listed here."
        if self._nothing.text() != nothing:
            self._nothing.setText(nothing)
            self.view.setAccessibleName(f"Events {in_words}")
        bar = self.view.verticalScrollBar()
        was_at_end = bar.value() >= bar.maximum()
        if self.model.show_events(entries, clock, titles):
            self._room.setCurrentIndex(0 if entries else 1)
            self.setProperty("region", bool(entries))  # F6 stops only where something can have the keyboard
            if was_at_end:
                self.view.scrollToBottom()

    def _set_up(self) -> None:
        view = self.view
        view.setModel(self.model)
        view.setItemDelegate(EventDelegate(self._appearance, view))
        view.setProperty("plain", True)
        view.setSelectionMode(QListView.SelectionMode.NoSelection)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setAccessibleName("Events")
        self._nothing.setProperty("muted", True)
        self._nothing.setWordWrap(True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = QLabel("Events", self)
        title.setProperty("role", "strong")
        self.budget_button.setProperty("link", True)
        self.budget_button.setProperty("small", True)
        self.budget_button.setAccessibleName("Set the memory for models")
        self.budget_button.clicked.connect(self.budget_pressed)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space("l"), theme.space("m"), theme.space("l"), theme.space("s"))
        column.setSpacing(theme.space("xs"))
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.budget_button)
        column.addLayout(head)
        self._room.addWidget(self.view)
        self._room.addWidget(self._nothing)
        self._room.setCurrentIndex(1)
        column.addLayout(self._room, 1)
