"""What authors write about their models, made ready to be read: without the parts that are for web pages only."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

MOST_CARD: Final = 60_000
"""Letters of a card that are shown; longer ones are cut, and it is said."""
_PIECE: Final = 4_000  # letters that one pattern works on: it lets nobody else run meanwhile
_FRONT: Final = re.compile(r"\A---\r?\n.*?\r?\n---\r?\n", re.DOTALL)
_TAGS: Final = (
    "a|abbr|b|big|br|center|code|dd|details|div|dl|dt|em|figure|font|h[1-6]|hr|i|iframe|img|kbd|li|ol|p|picture|small|"
    "source|span|strong|style|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|video"
)
_TAG: Final = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]{{0,2000}})?/?>", re.IGNORECASE)
_BREAK: Final = re.compile(r"<(?:br|/p|/div|/tr|/h[1-6]|/li)\s*/?>", re.IGNORECASE)
_IMAGE: Final = r"\[?!\[[^\]\n]{0,300}\]\([^)\n]{0,600}\)(?:\]\([^)\n]{0,600}\))?[ \t]*"
_PICTURE: Final = re.compile(rf"^[ \t]*(?:{_IMAGE}){{1,40}}$", re.MULTILINE)
_FENCE: Final = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})")
_BLANKS: Final = re.compile(r"\n{3,}")


def readable(text: str) -> tuple[str, bool]:
    """A card as Markdown that can be read.

    Tags of HTML are taken out, except in code; rows of pictures too, since none is loaded. It stays untrusted. Takes
    some milliseconds, in small steps: for a thread of its own.

    Returns:
        The text, and whether it was cut.
    """
    is_cut = len(text) > MOST_CARD
    body = _FRONT.sub("", text[:MOST_CARD], count=1)
    parts: list[str] = []
    piece: list[str] = []
    fence, size = "", 0
    for line in _short_lines(body):
        found = _FENCE.match(line)
        if found and not fence:
            parts.append(_plain(piece))
            piece, fence = [line], found[1]
        elif fence and found and found[1].startswith(fence) and line.strip() == found[1]:
            parts.append("\n".join([*piece, line]))
            piece, fence, size = [], "", 0
        elif not fence and size > _PIECE:
            parts.append(_plain([*piece, line]))
            piece, size = [], 0
        else:
            piece.append(line)
            size += len(line) + 1
    parts.append("\n".join(piece) if fence else _plain(piece))
    return _BLANKS.sub("\n\n", "\n".join(part for part in parts if part)).strip(), is_cut


def _short_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if len(line) <= _PIECE:
            yield line
        else:
            yield from (line[at : at + _PIECE] for at in range(0, len(line), _PIECE))


def _plain(lines: Sequence[str]) -> str:
    prose = _PICTURE.sub("", _without_comments("\n".join(lines)))
    return _TAG.sub("", _BREAK.sub("\n", prose))


def _without_comments(prose: str) -> str:
    """Take out comments of HTML, up to the end where one is not closed; a pattern would look ahead from each anew."""
    kept: list[str] = []
    at = 0
    while (start := prose.find("<!--", at)) >= 0:
        kept.append(prose[at:start])
        end = prose.find("-->", start + 4)
        at = end + 3 if end >= 0 else len(prose)
    return "".join((*kept, prose[at:]))
