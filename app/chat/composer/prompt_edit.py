"""PromptEdit: the text input of the composer."""

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from app.theme import Appearance

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PromptEdit(QPlainTextEdit):
    """Enter sends, Shift+Enter begins a line, Esc stops.

    Signals:
        submitted: Enter was pressed.
        escaped: Esc was pressed.
        height_wanted: pixels that the text asks for.

    Thread: UI only.
    """

    submitted = Signal()
    escaped = Signal()
    height_wanted = Signal(int)

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.setProperty("reading", True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Message")
        self.setTabChangesFocus(True)
        self.viewport().setAutoFillBackground(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.document().setDocumentMargin(0)
        self._take_font()
        self.document().documentLayout().documentSizeChanged.connect(self._ask_for_height)

    def sizeHint(self) -> QSize:
        """One line; the composer gives more."""
        return QSize(200, self.fontMetrics().lineSpacing())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Tell sending and stopping from writing."""
        is_plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _ENTER and is_plain:
            self.submitted.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the reading font when a style sheet brings its own size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._take_font()

    def _take_font(self) -> None:
        font = self._appearance.theme.font("reading")
        if self.document().defaultFont() != font:
            self.document().setDefaultFont(font)

    def _ask_for_height(self) -> None:
        lines = self.document().documentLayout().documentSize().height()  # a plain text document counts lines
        self.height_wanted.emit(round(lines * self.fontMetrics().lineSpacing()) + 2)
