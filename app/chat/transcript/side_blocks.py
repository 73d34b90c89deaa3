"""SideBlocks: keeps the thoughts and the calls of tools of a transcript in their places."""

from collections.abc import Sequence

from app.chat.conversation import Turn, TurnState
from app.chat.transcript.call_card import CallCard, CallContent
from app.chat.transcript.items import Item, Kind, call_items, thought_item
from app.chat.transcript.stage import Stage
from app.chat.transcript.thought_block import Thought, ThoughtBlock
from app.markdown.read_only_text import ReadOnlyText


class SideBlocks:
    """Changes the column of a stage; whoever calls it settles the heights.

    Thread: UI only.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def think(self, turn: int, text: str) -> None:
        """Add text to what a turn's model thinks; the first one makes the block."""
        found = self._thought(turn)
        if found is None:
            first, _ = self._stage.column.span_of(turn)
            item = thought_item(turn, Thought(text, is_open=True, is_growing=True))
            self._stage.column.replace(first, 0, [item])
            return
        at, thought = found
        thought.text += text
        widget = self._stage.column.items[at].widget
        if isinstance(widget, ThoughtBlock):
            widget.append(text)
            self._stage.measure(at)

    def end_thought(self, turn: int, seconds: float) -> None:
        """Close the block: the answer begins, or has ended."""
        found = self._thought(turn)
        if found is not None and found[1].is_growing:
            at, thought = found
            thought.is_growing = thought.is_open = False
            thought.seconds = seconds
            self._refresh(at)

    def show_calls(self, turn: Turn) -> None:
        """Show a turn's calls as they are now, and take the line away from under one that goes on with tools."""
        column = self._stage.column
        first, count = column.span_of(turn.id)
        places = [at for at in range(first, first + count) if column.items[at].kind is Kind.CALL]
        if len(places) == len(turn.calls):
            for at, call in zip(places, turn.calls, strict=True):
                content = column.items[at].content
                if isinstance(content, CallContent) and content.call is not call:
                    content.call = call
                    self._refresh(at)
        elif not places:
            end = first + count - (column.items[first + count - 1].kind is Kind.LINE)
            column.replace(end, 0, call_items(turn))
        if turn.calls:
            self._end_text(turn.id)
        if turn.calls and turn.state is TurnState.DONE:
            self._drop_line(turn.id)

    def _end_text(self, turn: int) -> None:
        first, count = self._stage.column.text_span(turn)
        for item in self._stage.column.items[first : first + count]:
            if isinstance(item.widget, ReadOnlyText):
                item.widget.show_caret(False)

    def _drop_line(self, turn: int) -> None:
        column = self._stage.column
        first, count = column.span_of(turn)
        last = first + count - 1
        if column.items[last].kind is Kind.LINE:
            self._stage.drop(column.replace(last, 1, []))

    def _refresh(self, at: int) -> None:
        widget = self._stage.column.items[at].widget
        if isinstance(widget, CallCard | ThoughtBlock):
            widget.refresh()
            self._stage.measure(at)

    def _thought(self, turn: int) -> tuple[int, Thought] | None:
        items: Sequence[Item] = self._stage.column.items
        first, count = self._stage.column.span_of(turn)
        for at in range(first, first + count):
            content = items[at].content
            if isinstance(content, Thought):
                return at, content
        return None
