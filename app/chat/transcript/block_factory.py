"""Widgets for the items of a transcript."""

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtWidgets import QWidget

from app.chat.render import Code, Prose, is_safe_link
from app.chat.transcript.answer_line import AnswerLine
from app.chat.transcript.code_block import CodeBlock
from app.chat.transcript.items import BlockWidget, Item, Kind
from app.chat.transcript.read_only_text import ReadOnlyText
from app.chat.transcript.user_bubble import UserBubble
from app.theme import Appearance, Theme


class BlockFactory(QObject):
    """Makes the widget of an item and passes on what is asked of it.

    Signals:
        copy_requested: text for the clipboard.
        link_pressed: a link that may be shown and offered; others are dropped here.
        line_action: id of a turn, and `copy`, `plain` or `again`.

    Thread: UI only.
    """

    copy_requested = Signal(str)
    link_pressed = Signal(str)
    line_action = Signal(int, str)

    def __init__(self, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._style = _prose_style(appearance.theme)

    def restyle(self) -> None:
        """Take the colours of another theme for widgets made from now on."""
        self._style = _prose_style(self._appearance.theme)

    def make(self, item: Item, parent: QWidget) -> BlockWidget:
        """Make the widget of an item."""
        content = item.content
        if item.kind is Kind.USER and isinstance(content, str):
            return UserBubble(self._appearance, content, parent)
        if item.kind is Kind.LINE:
            return self._make_line(item.turn, parent)
        if isinstance(content, Code):
            block = CodeBlock(self._appearance, content, parent)
            block.copy_requested.connect(self.copy_requested)
            return block
        text = ReadOnlyText(self._appearance, "reading", "Answer", parent)
        if isinstance(content, Prose):
            text.show_html(content.html, self._style)
            text.anchorClicked.connect(self._on_link)
        elif item.kind is Kind.STREAM and isinstance(content, str):
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


def _prose_style(theme: Theme) -> str:
    """Style sheet for the HTML of an answer, in the subset that Qt's rich text knows."""
    mono = theme.font("mono").family()
    ink, sunken, muted, line = (theme.color(role).name() for role in ("accent-ink", "sunken", "text-muted", "border"))
    return (
        f"a {{ color: {ink}; }}"
        f"code, pre {{ font-family: '{mono}'; font-size: 13px; background-color: {sunken}; }}"
        f"blockquote {{ color: {muted}; margin-left: 16px; }}"
        "h1 { font-size: 18px; font-weight: 600; margin-top: 12px; margin-bottom: 6px; }"
        "h2 { font-size: 16px; font-weight: 600; margin-top: 12px; margin-bottom: 6px; }"
        "h3, h4, h5, h6 { font-size: 14px; font-weight: 600; margin-top: 10px; margin-bottom: 4px; }"
        "p { margin-top: 0; margin-bottom: 8px; } ul, ol { margin-top: 0; margin-bottom: 8px; }"
        f"table {{ border-collapse: collapse; border-style: solid; border-color: {line}; margin-bottom: 8px; }}"
        "th { font-weight: 600; text-align: left; }"
    )
