"""Fold: a line that opens and closes the text below it."""

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QToolButton, QWidget

from app.theme import Appearance

HEAD = 28
_INDENT = 22
_MOST_HEIGHT = 220  # then the text scrolls
_LONGEST_LINE = 1_000  # characters
_LONG_CHARS = 1_500  # surely higher than that: not worth measuring


class Fold(QWidget):
    """A head, and muted text that is laid out only where it is seen, however long it is.

    Signals:
        toggled: opened or closed by the person; the height is another.

    Thread: UI only.
    """

    toggled = Signal()

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._name = name
        self._is_open = False
        self._room = HEAD  # width that the head may take
        self._head = QToolButton(self)
        self._head.setProperty("muted", True)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        edge = appearance.theme.size("icon-small")
        self._head.setIconSize(QSize(edge, edge))
        self._text = _FoldText(self)
        self._text.setProperty("plain", True)
        self._text.setProperty("muted", True)
        self._text.setReadOnly(True)
        self._text.setAccessibleName(name)
        self._text.setFrameShape(QFrame.Shape.NoFrame)
        self._text.setFont(appearance.theme.font("body"))
        self._text.document().setDocumentMargin(0)
        self._text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._head.clicked.connect(self._on_clicked)
        self.set_open(is_open=False)

    @property
    def is_open(self) -> bool:
        """Whether the text is shown."""
        return self._is_open

    @property
    def words(self) -> str:
        """What the head says."""
        return self._head.toolTip()

    @property
    def text(self) -> str:
        """The text below it."""
        return self._text.toPlainText()

    def set_open(self, *, is_open: bool) -> None:
        """Show the text, or hide it."""
        self._is_open = is_open
        self._text.setVisible(is_open)
        icon = "chevron-down" if is_open else "chevron-right"
        self._head.setIcon(self._appearance.theme.icon(icon, "text-muted", self._head.iconSize().width()))
        self._head.setAccessibleDescription("Open" if is_open else "Closed")

    def say(self, words: str) -> None:
        """Say something else in the head."""
        if words != self._head.toolTip():
            self._head.setToolTip(words)
            self._head.setAccessibleName(f"{self._name}: {words}")
            self._fit_head()

    def set_text(self, text: str) -> None:
        """Put another text below."""
        shown = _broken(text)
        if shown != self._text.toPlainText():
            self._text.setPlainText(shown)

    def append(self, text: str) -> None:
        """Add text at the end, and follow it."""
        cursor = QTextCursor(self._text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if cursor.block().length() > _LONGEST_LINE:
            cursor.insertBlock()
        cursor.insertText(_broken(text))
        self._text.verticalScrollBar().setValue(self._text.verticalScrollBar().maximum())

    def height_at(self, width: int) -> int:
        """Place the parts at a width, and return the height."""
        self._room = width
        self._fit_head()
        if not self._is_open:
            return HEAD
        inner = width - _INDENT
        height = self._text_height(inner)
        self._text.setGeometry(_INDENT, HEAD, inner, height)
        return HEAD + height

    def _text_height(self, width: int) -> int:
        text = self._text.toPlainText()
        if len(text) > _LONG_CHARS:
            return _MOST_HEIGHT
        metrics = QFontMetrics(self._text.font())
        bounds = metrics.boundingRect(QRect(0, 0, width, 1 << 16), Qt.TextFlag.TextWordWrap, text or " ")
        return min(_MOST_HEIGHT, bounds.height() + metrics.lineSpacing())

    def _fit_head(self) -> None:
        metrics = QFontMetrics(self._head.font())
        words = self._room - self._head.iconSize().width() - _INDENT
        self._head.setText(metrics.elidedText(self._head.toolTip(), Qt.TextElideMode.ElideRight, words))
        self._head.setGeometry(0, 0, min(self._head.sizeHint().width(), self._room), HEAD)

    def _on_clicked(self) -> None:
        self.set_open(is_open=not self._is_open)
        self.toggled.emit()


def _broken(text: str) -> str:
    """Break lines that go on and on: a line is laid out whole, and the window waits for it."""
    if len(text) <= _LONGEST_LINE:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > _LONGEST_LINE:
            end = rest.rfind(" ", 0, _LONGEST_LINE)
            end = end if end > 0 else _LONGEST_LINE
            lines.append(rest[:end])
            rest = rest[end:].removeprefix(" ")
        lines.append(rest)
    return "\n".join(lines)


class _FoldText(QPlainTextEdit):
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the transcript scroll, unless somebody is reading in here."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
