"""CodeBlock: a fenced block with its language, a Copy button and coloured words."""

from collections.abc import Iterator

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QTextCharFormat, QTextCursor, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.markdown.highlight import Span
from app.markdown.read_only_text import ReadOnlyText
from app.markdown.render import Code
from app.theme import Appearance

_HEAD = 32
_PADDING_X = 14
_PADDING_Y = 10
_SCROLL_BAR = 12
_LINES_PER_STEP = 120  # about 3 ms of colouring


class CodeBlock(QWidget):
    """Code on a sunken ground; long lines scroll, they never wrap.

    Signals:
        copy_requested: the code, to be put on the clipboard.

    Thread: UI only.
    """

    copy_requested = Signal(str)

    def __init__(self, appearance: Appearance, code: Code, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._code = code
        self._title = QLabel(code.language, self)
        self._title.setProperty("role", "small")
        self._title.setProperty("muted", True)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._copy = QPushButton("Copy", self)
        self._copy.setProperty("kind", "flat")
        self._copy.setProperty("small", True)
        edge = appearance.theme.size("icon-small")
        self._copy.setIcon(appearance.theme.icon("copy", "text", edge))
        self._copy.setIconSize(QSize(edge, edge))
        self._copy.setAccessibleName(f"Copy the {code.language} code")
        self._copy.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._copy.clicked.connect(self._on_copy)
        self.text = ReadOnlyText(appearance, "mono", f"{code.language} code", self)
        self.text.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.text.show_plain(code.text)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)  # else a long last line scrolls the block sideways
        self._steps = self._colour_steps()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._colour_more)
        self._colour_more()

    def height_at(self, width: int) -> int:
        """Place the parts in a column of this width and return the height."""
        inner = width - 2 * _PADDING_X
        is_wide = self.text.natural_width(inner + 1) > inner
        lines = self._code.text.count("\n") + 1
        height = lines * self._appearance.theme.line("mono") + (_SCROLL_BAR if is_wide else 0)
        self.text.setGeometry(_PADDING_X, _HEAD + _PADDING_Y, inner, height)
        button = self._copy.sizeHint()
        self._copy.setGeometry(width - button.width() - 4, (_HEAD - 28) // 2, button.width(), 28)
        self._title.setGeometry(_PADDING_X, 0, width - button.width() - 2 * _PADDING_X, _HEAD)
        return _HEAD + height + 2 * _PADDING_Y

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground and the line below the head row."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("sunken"))
        radius = theme.radius("medium")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawLine(0, _HEAD, self.width() - 1, _HEAD)

    def _on_copy(self) -> None:
        self.copy_requested.emit(self._code.text)

    def _colour_more(self) -> None:
        if next(self._steps, None) is None:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()

    def _colour_steps(self) -> Iterator[int]:
        """Colour some lines at a time; yields the number of the last one."""
        theme = self._appearance.theme
        formats: dict[str, QTextCharFormat] = {}
        for role in {span.role for span in self._code.spans}:
            formats[role] = QTextCharFormat()
            formats[role].setForeground(theme.color(role))
        spans = iter(self._code.spans)
        span = next(spans, None)
        document = self.text.document()
        block = document.begin()
        number = 0
        while block.isValid() and span is not None:
            start, end = block.position(), block.position() + block.length()
            ranges: list[QTextLayout.FormatRange] = []
            while span is not None and span.start < end:
                ranges.append(_range(span, start, end, formats[span.role]))
                if span.start + span.length > end:
                    break  # goes on in the next line
                span = next(spans, None)
            block.layout().setFormats(ranges)
            document.markContentsDirty(start, end - start)
            block = block.next()
            number += 1
            if number % _LINES_PER_STEP == 0:
                yield number


def _range(span: Span, start: int, end: int, form: QTextCharFormat) -> QTextLayout.FormatRange:
    first, last = max(span.start, start), min(span.start + span.length, end)
    found = QTextLayout.FormatRange()
    found.start = first - start
    found.length = last - first
    found.format = form
    return found
