"""Where the blocks of a transcript stand: heights, known or guessed, and tops. No widget is made here."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from app.chat.conversation import Role, Turn, TurnState
from app.chat.transcript.answer_line import AnswerLine
from app.chat.transcript.call_card import CallCard, CallContent
from app.chat.transcript.thought_block import Thought, ThoughtBlock
from app.chat.transcript.user_bubble import UserBubble
from app.markdown.code_block import CodeBlock
from app.markdown.read_only_text import ReadOnlyText
from app.markdown.render import Code, Prose

TURN_GAP = 14
BLOCK_GAP = 8
LINE_GAP = 2
_CHAR_WIDTH = 7.0  # a guess, for blocks that were never laid out
_READING_LINE = 22
_CODE_LINE = 18
_CODE_FRAME = 52
_LINE_HEIGHT = 28
_FOLD_HEIGHT = 28
_CALL_HEIGHT = 40
_MESSAGE_CHARS = 3_000  # a longer message of the person is shown as several bubbles, each cheap to lay out


BlockWidget = ReadOnlyText | UserBubble | CodeBlock | AnswerLine | ThoughtBlock | CallCard
Content = str | Prose | Code | Thought | CallContent | None


class Kind(Enum):
    """What stands in the column."""

    USER = "user"
    SOURCE = "source"  # a finished answer that was not converted from Markdown yet
    STREAM = "stream"  # plain text of an answer that is still growing
    PROSE = "prose"
    CODE = "code"
    LINE = "line"
    THOUGHT = "thought"  # above the text of an answer
    CALL = "call"  # below it


_TEXTS = frozenset({Kind.USER, Kind.SOURCE, Kind.STREAM, Kind.PROSE, Kind.CODE})


@dataclass(slots=True, eq=False)
class Item:
    """One block.

    Attributes:
        turn: id of the turn it belongs to.
        content: what it shows; None for the line under an answer.
        gap: pixels above it.
        height: pixels; a guess until `is_exact`.
        widget: its widget while it is near the screen.
    """

    turn: int
    kind: Kind
    content: Content
    gap: int
    height: int
    is_exact: bool = False
    widget: BlockWidget | None = None


def items_of(turn: Turn, width: int) -> list[Item]:
    """Make the blocks of a turn, with guessed heights."""
    if turn.role is Role.USER:
        return [
            Item(turn.id, Kind.USER, piece, LINE_GAP if number else TURN_GAP, guess_height(piece, width * 2 // 3) + 16)
            for number, piece in enumerate(_message_pieces(turn.text))
        ]
    kind = Kind.STREAM if turn.state == "running" else Kind.SOURCE
    gap = BLOCK_GAP if turn.thinking else TURN_GAP
    items = [Item(turn.id, kind, turn.text, gap, guess_height(turn.text, width)), *call_items(turn)]
    if turn.thinking:
        items.insert(0, thought_item(turn.id, Thought(turn.thinking, turn.facts.thinking_s)))
    if not turn.calls or turn.state is not TurnState.DONE:
        items.append(Item(turn.id, Kind.LINE, None, LINE_GAP, _LINE_HEIGHT))
    return items


def thought_item(turn: int, thought: Thought) -> Item:
    """Make the item of what a turn's model thought."""
    return Item(turn, Kind.THOUGHT, thought, TURN_GAP, _FOLD_HEIGHT)


def call_items(turn: Turn) -> list[Item]:
    """Make the items of the tools that a turn calls."""
    return [Item(turn.id, Kind.CALL, CallContent(call), BLOCK_GAP, _CALL_HEIGHT) for call in turn.calls]


def _message_pieces(text: str) -> Iterator[str]:
    while len(text) > _MESSAGE_CHARS:
        end = text.rfind("\n", 1, _MESSAGE_CHARS)
        end = end if end > 0 else _MESSAGE_CHARS
        yield text[:end]
        text = text[end:].removeprefix("\n")
    yield text


def item_of(turn: int, block: Prose | Code, width: int, *, is_first: bool) -> Item:
    """Make the item of a converted block."""
    gap = TURN_GAP if is_first else BLOCK_GAP
    if isinstance(block, Code):
        height = _CODE_FRAME + _CODE_LINE * (block.text.count("\n") + 1)
        return Item(turn, Kind.CODE, block, gap, height)
    lines = math.ceil(block.length * _CHAR_WIDTH / max(width, 1))
    return Item(turn, Kind.PROSE, block, gap, max(lines, 1) * _READING_LINE)


def guess_height(text: str, width: int) -> int:
    """Guess the height of plain text in pixels without laying it out."""
    per_line = max(1.0, width / _CHAR_WIDTH)
    wrapped = len(text) / per_line + text.count("\n")
    return max(1, math.ceil(wrapped)) * _READING_LINE


class Column:
    """The items one below the other.

    Attributes:
        items: from top to bottom; changed only through the methods.
    """

    def __init__(self, margin: int) -> None:
        self.items: list[Item] = []
        self._margin = margin
        self._tops: list[int] = []  # top edge of each item, its gap already added

    @property
    def height(self) -> int:
        """Pixels from the top of the column to its end, margins included."""
        if not self.items:
            return 2 * self._margin
        return self._tops[-1] + self.items[-1].height + self._margin

    def top(self, at: int) -> int:
        """Top edge of an item in pixels."""
        return self._tops[at]

    def replace(self, first: int, count: int, items: Sequence[Item]) -> list[Item]:
        """Put items in the place of others, and return the others."""
        removed = self.items[first : first + count]
        self.items[first : first + count] = items
        self._place_from(first)
        return removed

    def set_height(self, at: int, height: int) -> int:
        """Set a measured height; returns by how much it differs from before."""
        item = self.items[at]
        difference = height - item.height
        item.height, item.is_exact = height, True
        if difference:
            self._place_from(at + 1)
        return difference

    def between(self, top: int, bottom: int) -> Iterator[int]:
        """Indexes of items that touch the band between two heights."""
        for at in range(self.at(top), len(self.items)):
            if self._tops[at] > bottom:
                return
            yield at

    def at(self, y: int) -> int:
        """Index of the item at a height, the last one that begins above it."""
        return max(0, bisect_right(self._tops, y) - 1)

    def span_of(self, turn: int) -> tuple[int, int]:
        """First index and number of the items of a turn; it must be there."""
        last = next(at for at in range(len(self.items) - 1, -1, -1) if self.items[at].turn == turn)
        first = last
        while first > 0 and self.items[first - 1].turn == turn:
            first -= 1
        return first, last - first + 1

    def text_span(self, turn: int) -> tuple[int, int]:
        """First index and number of those items of a turn that show its text; where it would begin, if none do."""
        first, count = self.span_of(turn)
        texts = [at for at in range(first, first + count) if self.items[at].kind in _TEXTS]
        if texts:
            return texts[0], len(texts)
        return first + (self.items[first].kind is Kind.THOUGHT), 0

    def _place_from(self, first: int) -> None:
        del self._tops[first:]
        y = self._tops[-1] + self.items[first - 1].height if first else self._margin
        for item in self.items[first:]:
            gap = item.gap if self._tops else 0
            y += gap
            self._tops.append(y)
            y += item.height
