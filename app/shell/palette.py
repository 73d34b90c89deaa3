"""CommandPalette: type what you want, press Enter."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.shell.command import Command, search
from app.theme import Appearance
from app.theme.widgets import Chip

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
KEYS = "Ctrl+K"
"""Opens and closes it."""
_COMMAND_ROLE = Qt.ItemDataRole.UserRole
_WIDTH = 560
_TOP = 96  # below the top of the window
_ROW = 36
_MOST_ROWS = 10
_INSET = 12
_MOVES = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageUp: -_MOST_ROWS,
    Qt.Key.Key_PageDown: _MOST_ROWS,
}


class CommandPalette(QDialog):
    """A search over everything that the window can do. Arrow keys choose, Enter does it, Esc closes.

    Attributes:
        edit: what is typed.
        rows: what was found.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, commands: Callable[[], Sequence[Command]], window: QWidget) -> None:
        """Make a closed palette.

        Args:
            appearance: where the colours come from.
            commands: asked every time that the palette opens.
            window: what it opens above.
        """
        super().__init__(window, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self._appearance = appearance
        self._window = window
        self._offer = commands
        self._commands: Sequence[Command] = ()
        self._model = _CommandModel(self)
        self.edit = QLineEdit(self)
        self.rows = QListView(self)
        self._nothing = QLabel("Nothing in Hearth is called that.", self)
        self._find = QAction(self.edit)
        self._column = QVBoxLayout(self)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setWindowTitle("Commands")
        self.setAccessibleName("Commands")
        self._lay_out()
        self.edit.installEventFilter(self)
        self.edit.textChanged.connect(self._search)
        self.edit.returnPressed.connect(self._run_current)
        self.rows.clicked.connect(self._run)
        self.rows.selectionModel().currentChanged.connect(self._say_current)
        self._restyle()
        appearance.changed.connect(self._restyle)

    def toggle(self) -> None:
        """Open with everything there is, or close."""
        if self.isVisible():
            self.reject()
            return
        self._commands = tuple(self._offer())
        self.edit.clear()
        self._search("")
        corner = self._window.mapToGlobal(self._window.rect().topLeft())
        self.move(corner.x() + (self._window.width() - _WIDTH) // 2, corner.y() + _TOP)
        self.show()
        self.activateWindow()
        self.edit.setFocus(Qt.FocusReason.PopupFocusReason)

    def done(self, result: int) -> None:
        """Close, and give the keyboard back to the window and whatever had it there."""
        super().done(result)
        self._window.activateWindow()

    @property
    def found(self) -> Sequence[Command]:
        """What is offered now, the best first."""
        return self._model.commands

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys move in the rows while the text has the keyboard."""
        if watched is self.edit and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = _MOVES.get(Qt.Key(event.key()))
            if step is not None:
                self._move(step)
                return True
            if QKeySequence(event.keyCombination()) == QKeySequence(KEYS):  # the input would take it to delete
                self.reject()
                return True
        return False

    def changeEvent(self, event: QEvent) -> None:
        """Close when the person turns to something else."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isVisible() and not self.isActiveWindow():
            self.reject()

    def _move(self, step: int) -> None:
        count = len(self.found)
        if not count:
            return
        row = self.rows.currentIndex().row() + step
        row = row % count if abs(step) == 1 else max(0, min(count - 1, row))
        self.rows.setCurrentIndex(self._model.index(row))

    def _search(self, typed: str) -> None:
        self._model.show(search(self._commands, typed))
        self.rows.setCurrentIndex(self._model.index(0))
        count = len(self.found)
        self.rows.setVisible(count > 0)
        self._nothing.setVisible(count == 0)
        self.rows.setFixedHeight(_ROW * min(_MOST_ROWS, max(1, count)) + 2)
        self._column.activate()
        self.adjustSize()

    def _say_current(self, index: QModelIndex) -> None:
        words = index.data(Qt.ItemDataRole.AccessibleTextRole) or ""
        self.edit.setAccessibleDescription(f"{words}, {index.row() + 1} of {len(self.found)}" if words else "")

    def _run_current(self) -> None:
        self._run(self.rows.currentIndex())

    def _run(self, index: QModelIndex) -> None:
        command = index.data(_COMMAND_ROLE)
        if isinstance(command, Command):
            self.accept()  # first: what it does may open something of its own
            command.run()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.setFixedWidth(_WIDTH)
        self.edit.setPlaceholderText("What do you want to do?")
        self.edit.setAccessibleName("Search commands")
        self.edit.setProperty("plain", True)
        self.edit.addAction(self._find, QLineEdit.ActionPosition.LeadingPosition)
        self.edit.setFixedHeight(theme.size("control-large"))
        self.rows.setModel(self._model)
        self.rows.setItemDelegate(_CommandDelegate(self._appearance, self.rows))
        self.rows.setAccessibleName("Commands")
        self.rows.setUniformItemSizes(True)
        self.rows.setMouseTracking(True)
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the text keeps the keyboard
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setProperty("plain", True)
        self._nothing.setProperty("muted", True)
        self._nothing.setFixedHeight(_ROW)
        self._nothing.setContentsMargins(_INSET, 0, 0, 0)
        frame = QFrame(self)
        frame.setObjectName("palette")
        head = QHBoxLayout()
        head.setContentsMargins(theme.space("s"), theme.space("xs"), theme.space("m"), theme.space("xs"))
        head.addWidget(self.edit, 1)
        head.addWidget(Chip("Esc", "outline", frame))
        line = QFrame(frame)
        line.setProperty("line", "top")
        line.setFixedHeight(theme.space("hair"))
        inner = QVBoxLayout(frame)
        inner.setContentsMargins(1, 1, 1, theme.space("xs"))
        inner.setSpacing(0)
        inner.addLayout(head)
        inner.addWidget(line)
        inner.addSpacing(theme.space("xs"))
        around = QVBoxLayout()
        around.setContentsMargins(theme.space("xs"), 0, theme.space("xs"), 0)
        around.addWidget(self.rows)
        around.addWidget(self._nothing)
        inner.addLayout(around)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(frame)

    def _restyle(self) -> None:
        self._find.setIcon(self._appearance.theme.icon("search", "text-muted"))


class _CommandModel(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.commands: Sequence[Command] = ()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.commands)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        command = self.commands[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return command.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (command.title, command.detail, _key_words(command)) if part)
        return command if role == _COMMAND_ROLE else None

    def show(self, commands: Sequence[Command]) -> None:
        """Show other commands."""
        self.beginResetModel()
        self.commands = commands
        self.endResetModel()


class _CommandDelegate(QStyledItemDelegate):
    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        theme = self._appearance.theme
        rect: QRect = option.rect
        command: Command = index.data(_COMMAND_ROLE)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(theme.color("accent") if is_chosen and theme.is_high_contrast else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection" if is_chosen else "hover"))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), theme.radius("small"), theme.radius("small"))
        edge = theme.size("icon-small")
        place = QRect(rect.left() + _INSET, rect.center().y() - edge // 2 + 1, edge, edge)
        theme.icon(command.icon, "text", edge).paint(painter, place)
        room = rect.adjusted(2 * _INSET + edge, 0, -_INSET, 0)
        used = self._right(painter, room, _key_words(command) or command.detail)
        room.setRight(room.right() - used)
        font = theme.font("strong" if is_chosen else "body")
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        shown = QFontMetrics(font).elidedText(command.title, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()

    def _right(self, painter: QPainter, room: QRect, words: str) -> int:
        """Paint the words at the right end; returns the room that they take."""
        theme = self._appearance.theme
        font = theme.font("small")
        metrics = QFontMetrics(font)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width() // 2)
        painter.setFont(font)
        painter.setPen(theme.color("text-muted"))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, shown)
        return metrics.horizontalAdvance(shown) + _INSET if shown else 0


def _key_words(command: Command) -> str:
    return QKeySequence(command.keys).toString(QKeySequence.SequenceFormat.NativeText) if command.keys else ""
