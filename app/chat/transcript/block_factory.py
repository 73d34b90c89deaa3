"""Widgets for the items of a transcript."""

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtWidgets import QWidget

from app.chat.transcript.answer_line import AnswerLine
from app.chat.transcript.call_card import CallCard, CallContent
from app.chat.transcript.items import BlockWidget, Item, Kind
from app.chat.transcript.thought_block import Thought, ThoughtBlock
from app.chat.transcript.user_bubble import UserBubble
from app.markdown.code_block import CodeBlock
from app.markdown.links import is_safe_link
from app.markdown.prose_style import prose_style
from app.markdown.read_only_text import ReadOnlyText
from app.markdown.render import Code, Prose
from app.theme import Appearance


class BlockFactory(QObject):
    """Makes the widget of an item and passes on what is asked of it.

    Signals:
        copy_requested: text for the clipboard.
        link_pressed: a link that may be shown and offered; others are dropped here.
        line_action: id of a turn, and `copy`, `plain` or `again`.
        folded: the item whose block was opened or closed.
        call_decided: `refuse`, `once` or `always`, for the call that waits.

    Thread: UI only.
    """

    copy_requested = Signal(str)
    link_pressed = Signal(str)
    line_action = Signal(int, str)
    folded = Signal(object)
    call_decided = Signal(str)

    def __init__(self, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._style = prose_style(appearance.theme)

    def restyle(self) -> None:
        """Take the colours of another theme for widgets made from now on."""
        self._style = prose_style(self._appearance.theme)

    def make(self, item: Item, parent: QWidget) -> BlockWidget:
        """Make the widget of an item."""
        content = item.content
        if item.kind is Kind.USER and isinstance(content, str):
            return UserBubble(self._appearance, content, parent)
        if item.kind is Kind.LINE:
            return self._make_line(item.turn, parent)
        if isinstance(content, Thought):
            thought = ThoughtBlock(self._appearance, content, parent)
            thought.toggled.connect(lambda: self.folded.emit(item))
            return thought
        if isinstance(content, CallContent):
            card = CallCard(self._appearance, content, parent)
            card.toggled.connect(lambda: self.folded.emit(item))
            card.decided.connect(self.call_decided)
            return card
        if isinstance(content, Code):
            block = CodeBlock(self._appearance, content, parent)
            block.copy_requested.connect(self.copy_requested)
            return block
        return self._make_text(item.kind, content, parent)

    def _make_text(self, kind: Kind, content: str | Prose | None, parent: QWidget) -> ReadOnlyText:
        text = ReadOnlyText(self._appearance, "reading", "Answer", parent)
        if isinstance(content, Prose):
            text.show_html(content.html, self._style)
            text.anchorClicked.connect(self._on_link)
        elif kind is Kind.STREAM and isinstance(content, str):
            text.show_plain(content)
        return text

    def _make_line(self, turn: int, parent: QWidget) -> AnswerLine:
        line = AnswerLine(self._appearance, parent)
        line.copy_requested.connect(lambda: self.line_action.emit(turn, "copy"))
        line.plain_copy_requested.connect(lambda: self.line_action.emit(turn, "plain"))
        line.again_requested.connect(lambda: self.line_action.emit(turn, "again"))
        return line

    def _on_link(self, url: QUrl) -> None:
        text = url.toString()
        if is_safe_link(text):
            self.link_pressed.emit(text)
