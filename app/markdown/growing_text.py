"""GrowingText: a text that comes bit by bit, then stands as what it means: Markdown, or plain."""

from collections import deque
from time import perf_counter

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.markdown.code_block import CodeBlock
from app.markdown.converter import Converter
from app.markdown.links import is_safe_link
from app.markdown.prose_style import prose_style
from app.markdown.read_only_text import ReadOnlyText
from app.markdown.render import Block, Code
from app.theme import Appearance

MOST_SHOWN = 200_000
"""Characters; what is longer is for a file."""
_SLICE_S = 0.004  # most time for laying out and converting before input and painting get their turn
_PIECE = 2_000  # characters of plain text in one widget, so that no insert lays out more than this
_LINES = 100  # likewise, of short lines
_GAP = 8
_WAIT_MS = 10
_ONLY = 0  # the converter tells several texts apart; here is only one


class GrowingText(QWidget):
    """As high as its text, at any width. Blocks are laid out a few milliseconds at a time.

    Attributes:
        text: all of it, as it was written.

    Signals:
        copy_requested: a block of code, for the clipboard.
        link_pressed: a safe link; nothing has been opened.

    Thread: UI only.
    """

    copy_requested = Signal(str)
    link_pressed = Signal(str)

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = ""
        self._appearance = appearance
        self._name = name
        self._is_markdown = False
        self._is_finished = False
        self._blocks: list[ReadOnlyText | CodeBlock] = []
        self._heights: list[int] = []
        self._is_full = False  # the last block takes no more
        self._coming = ""  # plain text that no block shows yet
        self._waiting: deque[Block] = deque()  # converted, and still without a widget
        self._stale: deque[int] = deque()  # blocks whose height was taken at another width
        self._converter = Converter()
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._work)
        appearance.changed.connect(self._restyle)

    @property
    def is_settled(self) -> bool:
        """Whether everything stands where it belongs."""
        return not self._timer.isActive()

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning is shown."""
        return len(self.text) > MOST_SHOWN

    def append(self, text: str) -> None:
        """Add text at the end; it is shown plain until `finish`."""
        room = max(0, MOST_SHOWN - len(self.text))
        self.text += text
        self._coming += text[:room]
        if len(self._coming) <= _PIECE:
            self._take_piece()
            self._place()
        if self._coming:
            self._timer.start(0)

    def finish(self, text: str, *, is_markdown: bool) -> None:
        """Say that nothing more comes, and what the whole text is."""
        self._is_finished, self._is_markdown = True, is_markdown
        if is_markdown:
            self.text = text
            self._converter.clear()
            self._converter.start(_ONLY, text[:MOST_SHOWN])
            self._timer.start(0)
        elif text != self.text:
            self._clear()
            self.text = ""
            self.append(text)
        self._mark_end(shown=False)

    # ---------------------------------------------------------------------------------------------------- plain text

    def _take_piece(self) -> None:
        """Show as much of what is coming as one block takes."""
        if not self._coming:
            return
        if not self._blocks or self._is_full:
            self._mark_end(shown=False)
            self._add(self._plain_block())
        block = self._blocks[-1]
        if isinstance(block, ReadOnlyText):
            document = block.document()
            piece, self._coming, self._is_full = _split(
                self._coming, document.characterCount() - 1, document.blockCount()
            )
            block.append_plain(piece)
            self._measure(len(self._blocks) - 1)
        self._mark_end(shown=not self._is_finished)

    def _plain_block(self) -> ReadOnlyText:
        block = ReadOnlyText(self._appearance, "reading", self._name, self)
        block.show_plain("")
        return block

    def _mark_end(self, *, shown: bool) -> None:
        if self._blocks and isinstance(self._blocks[-1], ReadOnlyText):
            self._blocks[-1].show_caret(shown)

    # ------------------------------------------------------------------------------------------------------- Markdown

    def _work(self) -> None:
        """One slice: measure what is stale, convert, build what has been converted."""
        deadline = perf_counter() + _SLICE_S
        while self._stale and perf_counter() < deadline:
            self._measure(self._stale.popleft())
        while self._coming and perf_counter() < deadline:
            self._take_piece()
        for _turn, blocks in self._converter.advance(deadline) if not self._stale else ():
            self._clear()
            self._waiting.extend(blocks)
        while self._waiting and perf_counter() < deadline:
            self._add(self._block_of(self._waiting.popleft()))
        self._place()
        if self._stale or self._coming or self._waiting or self._converter.is_busy:
            self._timer.start(_WAIT_MS if self._converter.is_waiting and not self._waiting else 0)

    def _block_of(self, block: Block) -> ReadOnlyText | CodeBlock:
        if isinstance(block, Code):
            code = CodeBlock(self._appearance, block, self)
            code.copy_requested.connect(self.copy_requested)
            return code
        prose = ReadOnlyText(self._appearance, "reading", self._name, self)
        prose.show_html(block.html, prose_style(self._appearance.theme))
        prose.anchorClicked.connect(self._on_link)
        return prose

    def _on_link(self, url: QUrl) -> None:
        if is_safe_link(url.toString()):
            self.link_pressed.emit(url.toString())

    # --------------------------------------------------------------------------------------------------------- places

    def _add(self, block: ReadOnlyText | CodeBlock) -> None:
        self._blocks.append(block)
        self._heights.append(0)
        self._measure(len(self._blocks) - 1)
        block.show()

    def _measure(self, at: int) -> None:
        if at < len(self._blocks):
            self._heights[at] = self._blocks[at].height_at(max(1, self.width()))

    def _place(self) -> None:
        gap = _GAP if self._is_finished and self._is_markdown else 0
        top = 0
        for block, height in zip(self._blocks, self._heights, strict=True):
            block.setGeometry(0, top, self.width(), height)
            top += height + gap
        self.setFixedHeight(max(1, top - gap))

    def _clear(self) -> None:
        for block in self._blocks:
            block.hide()
            block.deleteLater()
        self._blocks.clear()
        self._heights.clear()
        self._stale.clear()
        self._waiting.clear()
        self._is_full, self._coming = False, ""

    def _restyle(self) -> None:
        """Build everything again in another theme's colours."""
        text, is_finished = self.text, self._is_finished
        self._clear()
        self.text = ""
        if is_finished and self._is_markdown:
            self.finish(text, is_markdown=True)
        else:
            self.append(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again where the width is another."""
        super().resizeEvent(event)
        if event.oldSize().width() != self.width():
            self._stale = deque(range(len(self._blocks)))
            self._timer.start(0)


def _split(text: str, chars: int, lines: int) -> tuple[str, str, bool]:
    """Cut a text where a block is full that holds some already: at the end of a line, if there is one.

    Returns:
        What the block takes, what is left, and whether the block is full then.
    """
    room, most = max(0, _PIECE - chars), max(0, 3 * _PIECE - chars)
    seam = -1
    for _ in range(max(1, _LINES - lines)):
        seam = text.find("\n", seam + 1, room)
        if seam < 0:
            break
    if seam < 0 and len(text) <= room:
        return text, "", False
    if seam < 0:
        seam = text.find("\n", room, most)
    if seam >= 0:
        return text[:seam], text[seam + 1 :], True
    return (
        text[:most],
        text[most:],
        len(text) >= most,
    )  # one endless line: better a seam than a window that stands still
