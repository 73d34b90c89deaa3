"""AnswerLine: where an answer ran and how fast, or where it was found, with its actions at the right."""

import time

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.chat.conversation import Turn, TurnState
from app.moments import moment_words
from app.theme import Appearance
from app.theme.widgets import Chip, ElidedLabel, IconButton, IconChip

HEIGHT = 28
_NBSP = "\u00a0"
_STATE_CHIPS = {
    TurnState.STOPPED: ("Stopped", "neutral"),
    TurnState.INTERRUPTED: ("Interrupted: Hearth was closed", "warn"),
    TurnState.FAILED: ("Failed", "bad"),
}


def facts_text(turn: Turn) -> str:
    """Say model, device, speed, first token and length, as far as they are known; of a cached one when it was new."""
    facts = turn.facts
    if facts.is_cached:
        return " · ".join((turn.model, *cached_parts(facts.answered_s, facts.first_asked_at, time.time())))
    parts = [turn.model]
    if facts.device:
        parts.append(facts.device.upper().replace(":", _NBSP))
    if facts.tokens_per_s:
        parts.append(f"{facts.tokens_per_s:,.0f}{_NBSP}tok/s")
    if facts.first_token_s:
        parts.append(f"first token {_duration(facts.first_token_s)}")
    if facts.output_tokens:
        parts.append(f"{facts.output_tokens:,}{_NBSP}tokens")
    if facts.cut_by_length:
        parts.append("cut at the length limit")
    if facts.dropped_messages:
        count = facts.dropped_messages
        parts.append(f"without the oldest {count}{_NBSP}{'message' if count == 1 else 'messages'}")
    return " · ".join(part for part in parts if part)


def cached_parts(answered_s: float, first_asked_at: float, now: float) -> tuple[str, ...]:
    """Say how fast a cached answer was there and when it was asked for first; moments in seconds since 1970."""
    answered = (f"answered in {_duration(max(answered_s, 0.001))}",) if answered_s else ()
    return (*answered, f"first asked {moment_words(first_asked_at, now)}")


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f}{_NBSP}ms" if seconds < 1 else f"{seconds:.1f}{_NBSP}s"


class AnswerLine(QWidget):
    """The line under one answer.

    Signals:
        copy_requested: copy the answer as it was written.
        plain_copy_requested: copy it without Markdown marks.
        again_requested: ask again.

    Thread: UI only.
    """

    copy_requested = Signal()
    plain_copy_requested = Signal()
    again_requested = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._chip = Chip(parent=self)
        self._mark = QWidget(self)
        self._cached = IconChip(appearance, "cached", "Cached answer", "info", self._mark)
        self._fresh = QPushButton("Ask again", self._mark)
        self._fresh.setProperty("link", True)
        self._fresh.setProperty("small", True)
        self._fresh.setAccessibleName("Ask again, and have the answer computed anew")
        self._fresh.setToolTip("Have the answer computed anew (Ctrl+R)")
        self._facts = ElidedLabel(parent=self)
        self._facts.setProperty("role", "small")
        self._facts.setProperty("muted", True)
        self._copy = IconButton(appearance, "copy", "Copy the answer", small=True, parent=self)
        self._again = IconButton(appearance, "again", "Ask again (Ctrl+R)", small=True, parent=self)
        self._more = IconButton(appearance, "more", "More for this answer", small=True, parent=self)
        self._menu: QMenu | None = None  # made when it is first wanted: few answers ever show theirs
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("xxs"))
        self._gap = appearance.theme.space("s")
        mark = QHBoxLayout(self._mark)
        mark.setContentsMargins(0, 0, 0, 0)
        mark.setSpacing(self._gap)
        mark.addWidget(self._cached)
        mark.addWidget(self._fresh)
        row.addWidget(self._chip)
        row.addWidget(self._mark)
        row.addWidget(self._facts, 1)
        for button in (self._copy, self._again, self._more):
            row.addWidget(button)
        self._copy.clicked.connect(self.copy_requested)
        self._again.clicked.connect(self.again_requested)
        self._fresh.clicked.connect(self.again_requested)
        self._more.clicked.connect(self._open_menu)

    def show_turn(self, turn: Turn, *, is_last: bool) -> None:
        """Say the facts of a turn; only the last answer can be asked again."""
        moved = ("Moved to another device", "warn") if turn.facts.moved else ("", "neutral")
        words, tone = _STATE_CHIPS.get(turn.state, moved)
        self._chip.setVisible(bool(words))
        if words:
            self._chip.show_state(words, tone)  # type: ignore[arg-type]  # the table holds tones only
        is_done = turn.state is not TurnState.RUNNING
        is_cached = turn.facts.is_cached and not words
        self._show_cached(turn if is_cached else None, can_ask=is_done and is_last)
        self._facts.setContentsMargins(self._gap if words or is_cached else 0, 0, self._gap, 0)
        self._facts.setText(facts_text(turn))
        self._chip.setToolTip(turn.facts.moved)
        self._chip.setAccessibleDescription(turn.facts.moved)
        self._copy.setVisible(is_done)
        self._again.setVisible(is_done and is_last)
        self._more.setVisible(is_done)

    def say(self, words: str) -> None:
        """Say what goes on while the answer is not finished."""
        self._chip.hide()
        self._show_cached(None, can_ask=False)
        self._facts.setContentsMargins(0, 0, self._gap, 0)
        self._facts.setText(words)

    @property
    def words(self) -> str:
        """What the line says."""
        return self._facts.text()

    def height_at(self, width: int) -> int:
        """Be 28 pixels high at any width."""
        return HEIGHT

    def _show_cached(self, turn: Turn | None, *, can_ask: bool) -> None:
        """Mark a cached answer; None for one that was computed."""
        self._mark.setVisible(turn is not None)
        self._fresh.setVisible(can_ask)
        if turn is not None:
            saved = _duration(turn.facts.saved_s)
            self._cached.explain(f"An equal question had this answer already; computing it took {saved} then.")

    def _open_menu(self) -> None:
        if self._menu is None:
            self._menu = QMenu(self)
            for words, signal in (
                ("Copy as Markdown", self.copy_requested),
                ("Copy as plain text", self.plain_copy_requested),
            ):
                action = QAction(words, self._menu)
                action.triggered.connect(signal)
                self._menu.addAction(action)
        self._menu.popup(self._more.mapToGlobal(self._more.rect().bottomLeft()))
