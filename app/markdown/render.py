"""Markdown to blocks: prose as a small, safe HTML subset, and code with its colours. No Qt.

What a model writes is untrusted. HTML in it is shown as text; a picture is shown as its description and never loaded;
a link that is not http, https or mailto stays plain text. The work comes in small steps, because it runs on the
UI thread: a thread of its own would hold the interpreter lock against it for longer than a step takes.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module

from app.markdown.highlight import Language, Span, highlight_steps, language_of
from app.markdown.links import CONTROL

PIECE_CHARS = 1_500  # prose is converted in pieces of about this size, about 2 ms each
_LONGEST_LINE = 4_000
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)$")
_CONTINUES = re.compile(r"^(\s|[-*+>|]|\d+[.)])")  # a line that may belong to a list, quote or table begun above


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
    from app.markdown.prose import to_html  # takes 60 ms, which no start waits for: `warm_up` has it imported by now

    for piece in _pieces(CONTROL.sub("\ufffd", markdown)):
        if isinstance(piece, str):
            yield Prose(to_html(piece), len(piece))
        else:
            info, text = piece
            while (language := find_language(info)) is None:
                yield Step.WAITS
            yield from _code_steps(language, text)


def warm_up() -> None:
    """Have what converting needs imported on a thread, after the window is there and before anything is converted."""
    threading.Thread(target=import_module, args=("app.markdown.prose",), name="hearth-warm-up", daemon=True).start()


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
