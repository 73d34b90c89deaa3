"""Prose to the HTML that Qt's rich text understands."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from app.markdown.links import is_safe_link


class _SafeRenderer(RendererHTML):
    """Writes what Qt's rich text understands, and nothing that loads anything."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Show a picture's description instead of loading it."""
        return f"<i>[picture: {escapeHtml(tokens[idx].content or 'without a description')}]</i>"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Qt draws table lines from attributes only."""
        return '<table border="1" cellspacing="0" cellpadding="6">\n'

    def softbreak(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Keep the model's own line breaks: small models end lines where they mean it."""
        return "<br/>\n"


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}, renderer_cls=_SafeRenderer)
    markdown.enable(["table", "strikethrough"])
    markdown.validateLink = is_safe_link  # type: ignore[method-assign]  # the documented way to set it
    return markdown


_MARKDOWN = _markdown()


def to_html(markdown: str) -> str:
    """Convert prose: a small, safe subset of HTML. Thread: one at a time."""
    html: str = _MARKDOWN.render(markdown)
    return html
