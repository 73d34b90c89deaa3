"""TranscriptView: a chat in a column; whatever its length, only what is near the screen exists as widgets.

Why not one text browser: bubbles, code blocks with a head row and real buttons need widgets, and screen readers need
them too. Why not a widget for every turn: one label a turn took 41 ms an update at 10 turns and 1,022 ms at 400.
Here an update touches the last block, and opening, scrolling and converting work in slices of a few milliseconds.
"""

from dataclasses import replace
from itertools import groupby
from time import perf_counter

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QAbstractSlider, QFrame, QPushButton, QWidget

from app.chat.conversation import AnswerFacts, Role, Turn, TurnState
from app.chat.transcript.answer_line import AnswerLine, facts_text
from app.chat.transcript.items import Item, Kind, guess_height, item_of, items_of
from app.chat.transcript.model import TranscriptModel
from app.chat.transcript.side_blocks import SideBlocks
from app.chat.transcript.stage import Stage
from app.markdown.converter import Converter
from app.markdown.read_only_text import ReadOnlyText
from app.markdown.render import Block
from app.theme import Appearance

_SLICE_S = 0.004  # most time for building and converting before input and painting get their turn
_NEAR = 300  # pixels above and below the screen that are built ahead
_FAR = 1_500  # pixels beyond which widgets are given back
_AT_END = 8  # pixels from the end that still count as being there
_SEAM_CHARS = 2_000  # a growing answer goes on in a new block from here, so that no insert lays out more than this
_LONGEST_CHARS = 6_000  # the same where no line ends
_WAIT_MS = 10  # until the next look at a conversion that cannot go on
_LINE_STEP = 44  # pixels an arrow key scrolls


class TranscriptView(QAbstractScrollArea):
    """Shows a `TranscriptModel`.

    Signals:
        copy_requested: text for the clipboard.
        link_pressed: a safe link was pressed; nothing has been opened.
        line_action: id of a turn, and `copy`, `plain` or `again`.
        call_decided: `refuse`, `once` or `always`, for the call that waits.

    Thread: UI only.
    """

    copy_requested = Signal(str)
    link_pressed = Signal(str)
    line_action = Signal(int, str)
    call_decided = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._model = TranscriptModel(self)
        self._stage = Stage(appearance, self.viewport())
        self._side = SideBlocks(self._stage)
        self._converter = Converter()
        self._pending: list[tuple[int, bool, str]] = []  # turn, whether it is thought, text since the last paint
        self._follows_end = True
        self._is_moving = False  # the scroll bar is being set by us, not by the person
        self._progress: tuple[str, AnswerFacts] | None = None
        self._is_ordered = True  # Tab goes through the blocks from top to bottom
        self._jump = QPushButton("Jump to latest", self)
        self._flush_timer = QTimer(self, singleShot=True, interval=appearance.theme.motion_ms("repaint-text"))
        self._work_timer = QTimer(self, singleShot=True, interval=0)
        self._set_up()

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Conversation")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalScrollBar().setSingleStep(_LINE_STEP)
        self._jump.setProperty("small", True)
        self._jump.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._jump.hide()
        self._jump.clicked.connect(self.jump_to_end)
        self._flush_timer.timeout.connect(self._flush)
        self._work_timer.timeout.connect(self._work)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        factory = self._stage.factory
        factory.copy_requested.connect(self.copy_requested)
        factory.link_pressed.connect(self.link_pressed)
        factory.line_action.connect(self.line_action)
        factory.call_decided.connect(self.call_decided)
        factory.folded.connect(self._on_folded)
        self._appearance.changed.connect(self._restyle)

    # -------------------------------------------------------------------------------------------- what is asked of it

    def set_model(self, model: TranscriptModel) -> None:
        """Show another chat, at its end."""
        self._model.disconnect(self)
        self._model = model
        model.rowsInserted.connect(self._on_inserted)
        model.rowsAboutToBeRemoved.connect(self._on_removed)
        model.dataChanged.connect(self._on_changed)
        model.modelReset.connect(self._reload)
        model.text_appended.connect(self._on_text)
        model.thinking_appended.connect(self._on_thinking)
        self._reload()

    def show_progress(self, words: str, facts: AnswerFacts) -> None:
        """Say under the growing answer what goes on before its first token, then how fast it comes."""
        self._progress = (words, facts)
        self._refresh_lines()

    def jump_to_end(self) -> None:
        """Show the newest line and follow it again."""
        self._follows_end = True
        self._settle(None)

    @property
    def follows_end(self) -> bool:
        """Whether new text scrolls into sight by itself."""
        return self._follows_end

    @property
    def is_settled(self) -> bool:
        """Whether everything on the screen has been built and converted."""
        return not (self._work_timer.isActive() or self._flush_timer.isActive() or self._converter.is_busy)

    @property
    def widget_count(self) -> int:
        """How many blocks exist as widgets now."""
        return self._stage.widget_count

    # ------------------------------------------------------------------------------------------------- model's signals

    def _reload(self) -> None:
        self._pending.clear()
        self._converter.clear()
        self._progress = None
        column = self._stage.column
        items = [item for turn in self._model.turns for item in items_of(turn, self._stage.column_width)]
        self._stage.drop(column.replace(0, len(column.items), items))
        self._follows_end = True
        self._settle(None)

    def _on_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self._flush()
        anchor = self._anchor()
        turns = self._model.turns[first : last + 1]
        items = [item for turn in turns for item in items_of(turn, self._stage.column_width)]
        self._stage.column.replace(len(self._stage.column.items), 0, items)
        if any(turn.role is Role.USER for turn in turns):
            self._follows_end = True
        self._refresh_lines()
        self._settle(anchor)

    def _on_removed(self, _parent: QModelIndex, first: int, _last: int) -> None:
        self._flush()
        column = self._stage.column
        start, _ = column.span_of(self._model.turns[first].id)
        removed = column.replace(start, len(column.items) - start, [])
        for item in removed:
            self._converter.forget(item.turn)
        self._stage.drop(removed)
        self._settle(None)

    def _on_changed(self, index: QModelIndex) -> None:
        self._flush()
        before, anchor = self._stage.column.height, self._anchor()
        turn = self._model.turns[index.row()]
        if turn.role is Role.ANSWER:
            self._side.show_calls(turn)
        if turn.role is Role.ANSWER and turn.state is not TurnState.RUNNING:
            self._progress = None
            self._side.end_thought(turn.id, turn.facts.thinking_s)
            self._converter.start(turn.id, turn.text)
        self._refresh_lines()
        if self._stage.column.height != before:
            self._settle(anchor)
        self._work_timer.start(0)

    def _on_thinking(self, row: int, text: str) -> None:
        self._on_text(row, text, is_thought=True)

    def _on_text(self, row: int, text: str, *, is_thought: bool = False) -> None:
        self._pending.append((self._model.turns[row].id, is_thought, text))
        if not self._flush_timer.isActive():
            self._flush_timer.start()

    # -------------------------------------------------------------------------------------------------- streaming

    def _flush(self) -> None:
        """Insert the text that came since the last paint."""
        self._flush_timer.stop()
        pending, self._pending = self._pending, []
        if not pending:
            return
        before, anchor = self._stage.column.height, self._anchor()
        for (turn, is_thought), pieces in groupby(pending, key=lambda piece: piece[:2]):
            text = "".join(text for _, _, text in pieces)
            if is_thought:
                self._side.think(turn, text)
            else:
                self._side.end_thought(turn, self._progress[1].thinking_s if self._progress else 0.0)
                self._insert(turn, text)
        if self._stage.column.height != before:
            self._settle(anchor)

    def _insert(self, turn: int, text: str) -> None:
        column = self._stage.column
        first, count = column.text_span(turn)
        at = first + count - 1
        item = column.items[at]
        length = len(item.content) if isinstance(item.content, str) else 0
        seam = text.rfind("\n") if length > _SEAM_CHARS else -1
        if seam < 0 and length > _LONGEST_CHARS:
            seam = 0
        if seam >= 0:
            self._grow(at, text[:seam])
            at, text = at + 1, text[seam:].removeprefix("\n")
            column.replace(at, 0, [Item(turn, Kind.STREAM, "", 0, 0)])
            if isinstance(item.widget, ReadOnlyText):
                item.widget.show_caret(False)
                self._stage.build(at)
        self._grow(at, text)

    def _grow(self, at: int, text: str) -> None:
        item = self._stage.column.items[at]
        item.content = f"{item.content}{text}"
        if isinstance(item.widget, ReadOnlyText):
            item.widget.append_plain(text)
            item.widget.show_caret(True)
            self._stage.measure(at)
        else:
            self._stage.column.set_height(at, guess_height(item.content, self._stage.column_width))

    def _refresh_lines(self) -> None:
        """Let the lines that exist say their facts again; which is the last one may have changed."""
        turns = {turn.id: turn for turn in self._model.turns}
        for item in self._stage.column.items:
            if isinstance(item.widget, AnswerLine) and item.turn in turns:
                self._fill_line(item.widget, turns[item.turn])

    def _fill_line(self, line: AnswerLine, turn: Turn) -> None:
        line.show_turn(turn, is_last=turn.id == self._model.turns[-1].id)
        if turn.state is TurnState.RUNNING and self._progress is not None:
            words, facts = self._progress
            line.say(words or facts_text(replace(turn, facts=facts)))

    # -------------------------------------------------------------------------------- building what is near the screen

    def _work(self) -> None:
        """One slice: build what is near the screen, convert answers that are, and give far widgets back."""
        deadline = perf_counter() + _SLICE_S
        anchor = self._anchor()
        top = self.verticalScrollBar().value()
        bottom = top + self.viewport().height()
        built, is_complete = self._stage.realise(top - _NEAR, bottom + _NEAR, deadline)
        self._dress(built)
        self._ask_for_conversions(top - _NEAR, bottom + _NEAR)
        converted = self._converter.advance(deadline) if is_complete else []
        for turn, blocks in converted:
            self._show_blocks(turn, blocks)
        if built or converted:
            self._settle(anchor)
            self._is_ordered = False
        elif is_complete:
            self._stage.give_back(top - _FAR, bottom + _FAR)
            self._order_focus()
        if not is_complete or self._converter.is_busy:
            self._work_timer.start(_WAIT_MS if is_complete and self._converter.is_waiting else 0)

    def _order_focus(self) -> None:
        if not self._is_ordered:
            self._is_ordered = True
            self._stage.order_focus(self)

    def _dress(self, built: list[int]) -> None:
        turns = {turn.id: turn for turn in self._model.turns} if built else {}
        for at in built:
            item = self._stage.column.items[at]
            if isinstance(item.widget, AnswerLine) and item.turn in turns:
                self._fill_line(item.widget, turns[item.turn])
            elif item.kind is Kind.STREAM and isinstance(item.widget, ReadOnlyText):
                item.widget.show_caret(True)

    def _ask_for_conversions(self, top: int, bottom: int) -> None:
        column = self._stage.column
        for at in column.between(top, bottom):
            item = column.items[at]
            if item.kind is Kind.SOURCE and isinstance(item.content, str):
                self._converter.start(item.turn, item.content)

    def _show_blocks(self, turn: int, blocks: list[Block]) -> None:
        column = self._stage.column
        first, count = column.text_span(turn)
        begins = column.span_of(turn)[0] == first  # no thought stands above it
        width = self._stage.column_width
        items = [item_of(turn, block, width, is_first=begins and not number) for number, block in enumerate(blocks)]
        self._stage.drop(column.replace(first, count, items))

    def _anchor(self) -> tuple[Item, int] | None:
        """What stands at the top of the screen, and how far above it begins."""
        column = self._stage.column
        if self._follows_end or not column.items:
            return None
        at = column.at(self.verticalScrollBar().value())
        return column.items[at], self.verticalScrollBar().value() - column.top(at)

    def _settle(self, anchor: tuple[Item, int] | None) -> None:
        """Place everything after heights changed, keeping the end or what was at the top in its place."""
        column, bar = self._stage.column, self.verticalScrollBar()
        height = max(column.height, self.viewport().height())
        self._is_moving = True
        bar.setRange(0, height - self.viewport().height())
        bar.setPageStep(self.viewport().height())
        if self._follows_end:
            bar.setValue(bar.maximum())
        elif anchor is not None and anchor[0] in column.items:
            bar.setValue(column.top(column.items.index(anchor[0])) + anchor[1])
        self._is_moving = False
        self._stage.setGeometry(0, -bar.value(), self.viewport().width(), height)
        self._stage.place()
        self._jump.setVisible(not self._follows_end)
        self._work_timer.start(0)

    def _on_folded(self, item: Item) -> None:
        """Keep the head of a block where it is while its text opens or closes below."""
        column, bar = self._stage.column, self.verticalScrollBar()
        at = column.items.index(item)
        self._follows_end = False
        anchor = (item, bar.value() - column.top(at))
        self._stage.measure(at)
        self._settle(anchor)
        self._on_scrolled(bar.value())

    def _on_scrolled(self, value: int) -> None:
        if self._is_moving:
            return
        self._follows_end = value >= self.verticalScrollBar().maximum() - _AT_END
        self._stage.move(0, -value)
        self._jump.setVisible(not self._follows_end)
        self._work_timer.start(0)

    # ------------------------------------------------------------------------------------------------------ Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the column in the middle, and the same text at the top or the end."""
        super().resizeEvent(event)
        theme, anchor = self._appearance.theme, self._anchor()
        width = min(theme.size("reading-width"), self.width() - 2 * theme.space("xl"))
        self._stage.set_column((self.width() - width) // 2, width)
        button = self._jump.sizeHint()
        self._jump.setGeometry(
            (self.width() - button.width()) // 2, self.height() - button.height() - 8, button.width(), button.height()
        )
        self._settle(anchor)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Do nothing: the stage is moved where the bar's value is set."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll to both ends; other keys scroll by lines and pages as usual."""
        if event.key() == Qt.Key.Key_Home:
            self.verticalScrollBar().triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
        elif event.key() == Qt.Key.Key_End:
            self.jump_to_end()
        else:
            super().keyPressEvent(event)

    def _restyle(self) -> None:
        """Build everything again in another theme's colours."""
        anchor = self._anchor()
        self._stage.factory.restyle()
        self._stage.drop(self._stage.column.items)
        self._stage.update()
        self._settle(anchor)
