"""Colour roles for code, from Pygments; no Qt and no colours here."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

_ROLES = {
    Token.Keyword: "syntax-keyword",
    Token.Operator.Word: "syntax-keyword",
    Token.Literal.String: "syntax-string",
    Token.Literal.Number: "syntax-number",
    Token.Keyword.Constant: "syntax-number",
    Token.Name.Function: "syntax-name",
    Token.Name.Class: "syntax-name",
    Token.Name.Builtin: "syntax-name",
    Token.Name.Decorator: "syntax-name",
    Token.Name.Tag: "syntax-name",
    Token.Name.Attribute: "syntax-name",
    Token.Comment: "syntax-comment",
}
MAX_HIGHLIGHTED_CHARS = 60_000  # beyond this code stays in one colour: nobody reads it in a chat
_TOKENS_PER_STEP = 200


class Span(NamedTuple):
    """A piece of code in one colour.

    Attributes:
        start: first character, counted in UTF-16 units as Qt does.
        length: in UTF-16 units.
        role: name of a colour token.
    """

    start: int
    length: int
    role: str


@dataclass(frozen=True, slots=True)
class Language:
    """What a fence's info string names: the words on the code block's head, and its lexer if there is one."""

    title: str
    lexer: Lexer | None


@lru_cache(maxsize=32)
def language_of(info: str) -> Language:
    """Find the language that an info string such as `python title=x` names."""
    word = info.split(maxsplit=1)[0].strip("{}.") if info.strip() else ""
    if not word:
        return Language("Code", None)
    try:
        lexer = get_lexer_by_name(word, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return Language(word[:30], None)
    return Language(lexer.name, lexer)


class LanguageShelf:
    """Finds languages without making the caller wait: the first use of a lexer imports it and compiles its patterns,
    which takes some 50 ms.

    Thread: any one; each search runs on a short-lived thread of its own.
    """

    def __init__(self) -> None:
        self._found: dict[str, Language] = {}  # filled by the searching threads, one key each
        self._asked: set[str] = set()

    def find(self, info: str) -> Language | None:
        """Give a language, or None while it is being looked for."""
        if info not in self._asked:
            self._asked.add(info)
            threading.Thread(target=self._search, args=(info,), name="hearth-lexer", daemon=True).start()
        return self._found.get(info)

    def _search(self, info: str) -> None:
        self._found[info] = language_of(info)


def highlight_steps(code: str, lexer: Lexer | None) -> Iterator[list[Span]]:
    """Colour code a few tokens at a time, so that the caller can do other things in between.

    Yields:
        The spans of one step, in order; joined they are those of all the code.
    """
    if lexer is None or len(code) > MAX_HIGHLIGHTED_CHARS:
        return
    spans: list[Span] = []
    position = 0
    for count, (kind, text) in enumerate(lexer.get_tokens(code), start=1):
        length = len(text) + sum(char > "\uffff" for char in text)
        if role := _role(kind):
            spans.append(Span(position, length, role))
        position += length
        if count % _TOKENS_PER_STEP == 0:
            yield spans
            spans = []
    yield spans


@lru_cache(maxsize=256)
def _role(kind: _TokenType) -> str | None:
    current: _TokenType | None = kind
    while current is not None:
        if current in _ROLES:
            return _ROLES[current]
        current = current.parent
    return None
