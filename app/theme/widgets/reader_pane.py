"""ReaderPane: a long text to read, to search in and to copy from."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.icon_button import IconButton
from app.theme.widgets.labels import say

_COUNTED = 999  # finds; nobody reads on to the thousandth


class _Field(QLineEdit):
    """A field whose Enter is its own: a dialog around it would take it for its default button."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()


class ReaderPane(QWidget):
    """A field to search in, and the text below it.

    Attributes:
        field: to search in.
        text: read only.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.field = _Field(self)
        self.field.setPlaceholderText("Find in this text")
        self.field.setAccessibleName("Find in this text")
        self.field.setClearButtonEnabled(True)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setProperty("code", True)
        self.text.setAccessibleName(name)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._count = QLabel(self)
        self._count.setProperty("role", "small")
        self._count.setProperty("muted", True)
        self._before = IconButton(appearance, "chevron-left", "Find the one before", small=True, parent=self)
        self._next = IconButton(appearance, "chevron-right", "Find the next one", small=True, parent=self)
        self._lay_out()
        self._take_font()
        self.field.textChanged.connect(self._on_typed)
        self.field.returnPressed.connect(self.find_next)
        self._next.clicked.connect(self.find_next)
        self._before.clicked.connect(self.find_before)
        QShortcut(QKeySequence.StandardKey.Find, self, self._focus_find)
        appearance.changed.connect(self._take_font)
        self._on_typed("")

    @property
    def found(self) -> str:
        """What is said of the search."""
        return self._count.text()

    def show_text(self, text: str, *, at_end: bool = False) -> None:
        """Show a text from its beginning, or its end."""
        self.text.setPlainText(text)
        if at_end:
            self.text.moveCursor(QTextCursor.MoveOperation.End)
        self._on_typed(self.field.text())

    def find_next(self) -> None:
        """Mark the next find, from the beginning again after the last one."""
        self._find(QTextDocument.FindFlag(0), QTextCursor.MoveOperation.Start)

    def find_before(self) -> None:
        """Mark the find before, likewise backwards."""
        self._find(QTextDocument.FindFlag.FindBackward, QTextCursor.MoveOperation.End)

    def _find(self, way: QTextDocument.FindFlag, edge: QTextCursor.MoveOperation) -> None:
        words = self.field.text()
        if words and not self.text.find(words, way):
            before = self.text.textCursor()
            self.text.moveCursor(edge)
            if not self.text.find(words, way):
                self.text.setTextCursor(before)

    def _on_typed(self, words: str) -> None:
        count = self.text.toPlainText().casefold().count(words.casefold()) if words else 0
        more = f"more than {_COUNTED}" if count > _COUNTED else str(count)
        say(self._count, "" if not words else "not found" if not count else f"{more} found")
        self._next.setEnabled(count > 0)
        self._before.setEnabled(count > 0)
        if count:
            cursor = self.text.textCursor()
            cursor.setPosition(cursor.selectionStart())  # what is typed on is looked for from where it stands
            self.text.setTextCursor(cursor)
            self.find_next()

    def _focus_find(self) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def _take_font(self) -> None:
        self.text.setFont(self._appearance.theme.font("mono"))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        row = QHBoxLayout()
        row.setSpacing(theme.space("s"))
        row.addWidget(self.field, 1)
        row.addWidget(self._count)
        row.addWidget(self._before)
        row.addWidget(self._next)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("s"))
        column.addLayout(row)
        column.addWidget(self.text, 1)
