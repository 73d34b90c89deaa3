"""Markdown to blocks: prose as a small, safe HTML subset, and code with its colours. No Qt.

What a model writes is untrusted. HTML in it is shown as text; a picture is shown as its description and never loaded;
a link that is not http, https or mailto stays plain text. The work comes in small steps, because it runs on the
UI thread: a thread of its own would hold the interpreter lock against it for longer than a step takes.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from app.markdown.highlight import Language, Span, highlight_steps, language_of

SAFE_SCHEMES = frozenset({"http", "https", "mailto"})
PIECE_CHARS = 1_500  # prose is converted in pieces of about this size, about 2 ms each
_LONGEST_LINE = 4_000
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)$")
_CONTINUES = re.compile(r"^(\s|[-*+>|]|\d+[.)])")  # a line that may belong to a list, quote or table begun above
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Prose:
    """Text with headings, lists, tables, emphasis; `length` is that of its source."""

    html: str
    length: int


@dataclass(frozen=True, slots=True)
class Code:
    """A fenced block; `language` is what its head row says."""

    language: str
    text: str
    spans: tuple[Span, ...]


Block = Prose | Code


def is_safe_link(url: str) -> bool:
    """Whether a link may be offered to the person: http, https or mailto, without control characters."""
    if _CONTROL.search(url):
        return False
    try:
        return urlsplit(url.strip()).scheme.lower() in SAFE_SCHEMES
    except ValueError:
        return False


class Step(Enum):
    """What a conversion yields between blocks."""

    WORKED = "worked"  # part of the work for a block is done
    WAITS = "waits"  # there is nothing to do until a language has been found


def render(markdown: str) -> list[Block]:
    """Convert a whole text at once; `render_steps` is for the UI thread."""
    return [block for block in render_steps(markdown) if not isinstance(block, Step)]


def render_steps(
    markdown: str, find_language: Callable[[str], Language | None] = language_of
) -> Iterator[Block | Step]:
    """Convert a text bit by bit, a few milliseconds each.

    Args:
        markdown: what the model wrote.
        find_language: language of a fence's info string; None asks to come back later.

    Yields:
        A block when one is ready; a `Step` in between.
    """
    for piece in _pieces(_CONTROL.sub("\ufffd", markdown)):
        if isinstance(piece, str):
            yield Prose(_MARKDOWN.render(piece), len(piece))
        else:
            info, text = piece
            while (language := find_language(info)) is None:
                yield Step.WAITS
            yield from _code_steps(language, text)


def _code_steps(language: Language, text: str) -> Iterator[Block | Step]:
    spans: list[Span] = []
    for step in highlight_steps(text, language.lexer):
        spans += step
        yield Step.WORKED
    yield Code(language.title, text, tuple(spans))


def _pieces(markdown: str) -> Iterator[str | tuple[str, str]]:
    """Split into prose (text) and fenced code (info, text); prose is cut where Markdown can be cut."""
    prose: list[str] = []
    size = 0
    lines = iter(_short_lines(markdown))
    for line in lines:
        if (fence := _FENCE.match(line)) and not ("`" in fence["info"] and fence["fence"][0] == "`"):
            if text := "\n".join(prose).strip("\n"):
                yield text
            prose, size = [], 0
            yield fence["info"].strip(), _fenced(lines, fence["fence"], len(fence["indent"]))
            continue
        if size > PIECE_CHARS and _can_cut(prose, line, size):
            yield "\n".join(prose)
            prose, size = [], 0
        prose.append(line)
        size += len(line) + 1
    if text := "\n".join(prose).strip("\n"):
        yield text


def _fenced(lines: Iterator[str], fence: str, indent: int) -> str:
    """Take the lines of a code block up to its closing fence, or to the end where there is none."""
    code: list[str] = []
    for line in lines:
        stripped = line.strip()
        if len(stripped) >= len(fence) and not stripped.strip(fence[0]) and stripped:
            break
        code.append(line[min(indent, len(line) - len(line.lstrip())) :])
    return "\n".join(code)


def _can_cut(prose: Sequence[str], line: str, size: int) -> bool:
    if size > 4 * PIECE_CHARS:
        return True  # one endless list or paragraph: better a seam than a window that stands still
    return not prose[-1].strip() and not _CONTINUES.match(line)


def _short_lines(markdown: str) -> Iterator[str]:
    for line in markdown.split("\n"):
        if len(line) <= _LONGEST_LINE:
            yield line.rstrip("\r")
        else:
            yield from (line[at : at + _LONGEST_LINE] for at in range(0, len(line), _LONGEST_LINE))


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
