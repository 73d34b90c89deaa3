"""SpanScanner: takes an answer that arrives in pieces apart into what is said, what is thought, and what is called."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

from engine.plugins.contract.models import Span

HIDDEN_START: Final = "\ud800"
HIDDEN_END: Final = "\ud801"
"""Stand around the text of a special token. No model can write them: they are no characters."""

Kind = Literal["answer", "thinking", "tool", "mark"]

_HIDDEN = re.compile(f"{HIDDEN_START}[^{HIDDEN_END}]*{HIDDEN_END}|[{HIDDEN_START}{HIDDEN_END}]")
_DELIMITERS = re.compile(f"[{HIDDEN_START}{HIDDEN_END}]")


def hidden(text: str) -> str:
    """Text of a special token, marked as such."""
    return f"{HIDDEN_START}{text}{HIDDEN_END}"


def without_hidden(text: str) -> str:
    """Text without its special tokens."""
    return _HIDDEN.sub("", text) if HIDDEN_START in text else text


def with_hidden(text: str) -> str:
    """Text with its special tokens as plain text."""
    return _DELIMITERS.sub("", text) if HIDDEN_START in text else text


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """A span, with every way in which its marks can arrive.

    Attributes:
        kind: what stands in it.
        opens: texts that begin it.
        closes: texts that end it; none: it goes on to the end of the answer.
    """

    kind: Literal["thinking", "tool", "mark"]
    opens: tuple[str, ...]
    closes: tuple[str, ...]

    @classmethod
    def of(cls, span: Span) -> "MarkedSpan":
        """A span whose marks arrive as plain text only."""
        return cls(span.kind, (span.open,), (span.close,) if span.close else ())


class Part(Enum):
    """Which part of a span a piece is; what is in no span has text only."""

    OPEN = "open"
    TEXT = "text"
    BREAK = "break"  # line breaks right after a mark
    CLOSE = "close"


class Piece(NamedTuple):
    """A stretch of the answer, of one kind and part; all pieces joined are the whole answer."""

    kind: Kind
    part: Part
    text: str


class SpanScanner:
    """Splits an answer; how it is cut into pieces never changes what comes out.

    Spans do not nest: in a span, only its own closing mark counts. Outside, the mark that begins first counts, the
    longest of those that begin at the same place; a closing mark is text like any other. Only what could become a mark
    is held back. A span that is never closed goes on to the end. Line breaks right after a mark belong to it.

    Thread: one at a time.
    """

    def __init__(self, spans: Sequence[MarkedSpan], begins_in: Literal["thinking", "tool"] | None = None) -> None:
        """Make a scanner.

        Args:
            spans: what to look for.
            begins_in: kind of the span that the text begins in: the first one of this kind. If there is none, the whole
                text is of this kind.
        """
        self._outside = _Marks((open_, span) for span in spans for open_ in span.opens)
        self._inside = {id(span): _Marks((close, None) for close in span.closes) for span in spans}
        self._spans = tuple(spans)  # keeps their ids theirs
        self._span: MarkedSpan | None = None
        if begins_in is not None:
            endless = MarkedSpan(begins_in, (), ())
            self._span = next((span for span in spans if span.kind == begins_in), endless)
            self._inside.setdefault(id(self._span), _Marks(()))
        self._is_after_mark = begins_in is not None
        self._held = ""

    def push(self, text: str) -> list[Piece]:
        """Add text; return what is certain now."""
        return self._split(self._held + text, ended=False)

    def flush(self) -> list[Piece]:
        """End the text: return what was held back."""
        return self._split(self._held, ended=True)

    def _split(self, text: str, *, ended: bool) -> list[Piece]:
        pieces: list[Piece] = []
        at = 0
        while True:
            if self._is_after_mark:
                at = self._skip_breaks(text, at, pieces)
            marks = self._outside if self._span is None else self._inside[id(self._span)]
            keep = len(text) if ended else marks.held_from(text, at)
            found = marks.find(text, at)
            if found is None or keep <= found.start:  # a mark may begin earlier, or become a longer one
                self._add(pieces, Part.TEXT, text[at:keep])
                self._held = text[keep:]
                return pieces
            self._add(pieces, Part.TEXT, text[at : found.start])
            self._cross(pieces, found)
            at = found.start + len(found.text)

    def _cross(self, pieces: list[Piece], found: "_Found") -> None:
        """Go over a mark, into a span or out of it."""
        if self._span is None:
            self._span = found.span
            self._add(pieces, Part.OPEN, found.text)
        else:
            self._add(pieces, Part.CLOSE, found.text)
            self._span = None
        self._is_after_mark = True

    def _skip_breaks(self, text: str, at: int, pieces: list[Piece]) -> int:
        end = at
        while end < len(text) and text[end] in "\r\n":
            end += 1
        self._add(pieces, Part.BREAK, text[at:end])
        self._is_after_mark = end == len(text)
        return end

    def _add(self, pieces: list[Piece], part: Part, text: str) -> None:
        if text:
            pieces.append(Piece("answer" if self._span is None else self._span.kind, part, text))


class _Found(NamedTuple):
    start: int
    text: str
    span: MarkedSpan | None


class _Marks:
    """Finds the marks that count in one state of the scanner."""

    def __init__(self, marks: Iterable[tuple[str, MarkedSpan | None]]) -> None:
        self._spans = dict(reversed(list(marks)))  # of equal marks the first one counts
        texts = sorted(self._spans, key=len, reverse=True)  # the longest first, which the pattern then prefers
        self._pattern = re.compile("|".join(map(re.escape, texts))) if texts else None
        self._starts = re.compile("[" + "".join(re.escape(text[0]) for text in texts) + "]") if texts else None
        self._longest = len(texts[0]) if texts else 0

    def find(self, text: str, at: int) -> _Found | None:
        """The mark that begins first, the longest one there."""
        match = self._pattern.search(text, at) if self._pattern is not None else None
        return None if match is None else _Found(match.start(), match[0], self._spans[match[0]])

    def held_from(self, text: str, at: int) -> int:
        """Where the longest suffix of `text` begins that is the beginning of a mark, but no whole one."""
        if self._starts is None:
            return len(text)
        at = max(at, len(text) - self._longest + 1)
        while match := self._starts.search(text, at):
            at = match.start()
            suffix = text[at:]
            if any(mark.startswith(suffix) and mark != suffix for mark in self._spans):
                return at
            at += 1
        return len(text)
