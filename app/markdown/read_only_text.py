"""ReadOnlyText: text that can be selected and copied, as high as it is long; it never loads or opens anything."""

import math

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QUrl
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from app.theme import Appearance

HEADING_PX = {1: 18, 2: 16, 3: 14}
"""Sizes of headings by their level; deeper ones are as large as the third."""
_PAGE_KEYS = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End)


class ReadOnlyText(QTextBrowser):
    """A piece of the transcript.

    Signals (inherited):
        anchorClicked: a link was pressed; nothing is opened here.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, type_name: str, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._type_name = type_name
        self._shows_caret = False
        self.setProperty("reading", True)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.highlighted.connect(self._show_address)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self._take_font()

    def show_plain(self, text: str) -> None:
        """Show text as it is."""
        cursor = QTextCursor(self.document())
        cursor.setBlockFormat(self._block_format())
        cursor.insertText(text)

    def append_plain(self, text: str) -> None:
        """Add text at the end, leaving a selection as it is."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)

    def show_html(self, html: str, style: str) -> None:
        """Show our own HTML subset with a style sheet for it."""
        document = self.document()
        document.setDefaultStyleSheet(style)
        self.setHtml(html)
        cursor = QTextCursor(document)
        cursor.select(QTextCursor.SelectionType.Document)
        line = self._appearance.theme.line(self._type_name)
        spacing = QTextBlockFormat()
        spacing.setLineHeight(line, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        cursor.mergeBlockFormat(spacing)
        self._size_headings()
        for block, margin in ((document.firstBlock(), "setTopMargin"), (document.lastBlock(), "setBottomMargin")):
            form = block.blockFormat()
            getattr(form, margin)(0)  # the column sets the distances between blocks
            QTextCursor(block).setBlockFormat(form)

    def _size_headings(self) -> None:
        """Give headings their size: Qt's own steps for them outrank the style sheet, and shout."""
        block = self.document().begin()
        while block.isValid():
            level = block.blockFormat().headingLevel()
            if level:
                for start, length, form in _fragments(block):
                    form.clearProperty(QTextFormat.Property.FontSizeAdjustment)
                    form.setProperty(QTextFormat.Property.FontPixelSize, HEADING_PX.get(level, HEADING_PX[3]))
                    cursor = QTextCursor(self.document())
                    cursor.setPosition(start)
                    cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
                    cursor.setCharFormat(form)
            block = block.next()

    def height_at(self, width: int) -> int:
        """Lay the text out at a width and return its height, both in pixels."""
        if self.width() != width:
            self.resize(width, self.height())
        document = self.document()
        document.setTextWidth(width)
        return math.ceil(document.size().height())

    def natural_width(self, most: int) -> int:
        """Width in pixels that the longest line asks for, but not more than `most`."""
        metrics = QFontMetricsF(self.document().defaultFont())
        widest = 0.0
        for line in self.toPlainText().split("\n"):
            if len(line) > most:  # no letter of a reading font is narrower than a pixel
                return most
            widest = max(widest, metrics.horizontalAdvance(line))
        return min(most, math.ceil(widest) + 1)

    def show_caret(self, shown: bool) -> None:
        """Mark the end of the text while more of it is coming."""
        self._shows_caret = shown
        self.viewport().update()

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Load nothing, whatever the text asks for."""
        return None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the text, and the caret at its end while it grows."""
        super().paintEvent(event)
        if self._shows_caret:
            end = QTextCursor(self.document())
            end.movePosition(QTextCursor.MoveOperation.End)
            rect: QRect = self.cursorRect(end)
            painter = QPainter(self.viewport())
            painter.fillRect(
                QRectF(rect.x(), rect.y() + 1, 2, rect.height() - 2), self._appearance.theme.color("accent")
            )

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the transcript scroll."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the transcript scroll by page keys; everything else moves the selection."""
        if event.key() in _PAGE_KEYS and not event.modifiers():
            event.ignore()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Keep the type style when a style sheet brings its own size."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._take_font()

    def _show_address(self, url: QUrl) -> None:
        self.setToolTip(url.toString())

    def _take_font(self) -> None:
        document: QTextDocument = self.document()
        font = self._appearance.theme.font(self._type_name)
        if document.defaultFont() != font:
            document.setDefaultFont(font)

    def _block_format(self) -> QTextBlockFormat:
        form = QTextBlockFormat()
        line = self._appearance.theme.line(self._type_name)
        form.setLineHeight(line, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        return form


def _fragments(block: QTextBlock) -> list[tuple[int, int, QTextCharFormat]]:
    """Where the pieces of a block that look alike begin, how long they are, and how they look."""
    found = []
    step = block.begin()
    while not step.atEnd():
        piece = step.fragment()
        found.append((piece.position(), piece.length(), piece.charFormat()))
        step += 1
    return found
