"""What authors write about their models, made ready to be read: without the parts that are for web pages only."""

import re
from typing import Final

MOST_CARD: Final = 60_000
"""Letters of a card that are shown; longer ones are cut, and it is said."""
_FRONT: Final = re.compile(r"\A---\r?\n.*?\r?\n---\r?\n", re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.{0,4000}?-->", re.DOTALL)
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

    Tags of HTML are taken out, except in code; rows of pictures too, since none is loaded. It stays untrusted.

    Returns:
        The text, and whether it was cut.
    """
    is_cut = len(text) > MOST_CARD
    body = _FRONT.sub("", text[:MOST_CARD], count=1)
    parts: list[str] = []
    prose: list[str] = []
    fence = ""
    for line in body.split("\n"):
        found = _FENCE.match(line)
        if found and not fence:
            parts.append(_plain("\n".join(prose)))
            prose, fence = [line], found[1]
        elif fence and found and found[1].startswith(fence) and line.strip() == found[1]:
            parts.append("\n".join([*prose, line]))
            prose, fence = [], ""
        else:
            prose.append(line)
    rest = "\n".join(prose)
    parts.append(rest if fence else _plain(rest))
    return _BLANKS.sub("\n\n", "\n".join(part for part in parts if part.strip())).strip(), is_cut


def _plain(prose: str) -> str:
    prose = _PICTURE.sub("", _COMMENT.sub("", prose))
    return _TAG.sub("", _BREAK.sub("\n", prose))
