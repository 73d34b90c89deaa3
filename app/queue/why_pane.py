"""WhyPane: why a request stands where it stands, or how far it is, and what can be done with it."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.queue.actions import RequestActions, can_move_up
from app.queue.fact_rows import FactRows
from app.queue.factor_rows import FactorRows
from app.queue.menu_button import MenuButton
from app.queue.running_card import HEAD
from app.queue.why_words import bound_words, facts_of, score_words, title_of
from app.queue.words import LEVEL_WORDS, URGENCY_WORDS, reason_of
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from engine.queueing import QueuedRequest, QueueSnapshot

WIDTH: Final = 328
_FOOT: Final = 49
_SHORT: Final = 56  # characters of a reason that is whole in the list beside this


class WhyPane(QFrame):
    """A card at the right of the list, or over the page where that is too narrow.

    Attributes:
        move_button: lets the request begin next.
        urgency_button: opens the choices of how soon it is needed.
        cancel_button: ends it.
        factors: the twelve rows.

    Signals:
        closed: the person wants it away.

    Thread: UI only.
    """

    closed = Signal()

    def __init__(self, appearance: Appearance, actions: RequestActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setFixedWidth(WIDTH)
        self._appearance = appearance
        self._actions = actions
        self._request: QueuedRequest | None = None
        self._is_over = False
        self._title = QLabel(self)
        self._sum = QLabel(self)
        self._total = QLabel(self)
        self._close = IconButton(appearance, "close", "Close the explanation", small=True, parent=self)
        self._name = ElidedLabel("", self)
        self.factors = FactorRows(appearance, self)
        self._facts = FactRows(appearance, self)
        self._words = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._reason = _sentence(self)
        self._bound = _sentence(self)
        self._nothing = _sentence(self)
        self._nothing.setContentsMargins(0, appearance.theme.space("s"), 0, 0)
        self.move_button = QPushButton("Move up", self)
        self.urgency_button = MenuButton(appearance, self)
        self.cancel_button = QPushButton("Cancel", self)
        self._foot = QWidget(self)
        self._foot_line = _line(self)
        self._scroll = QScrollArea(self)
        self._set_up()
        self._lay_out()
        self._paint_icons()
        appearance.changed.connect(self._paint_icons)
        self.set_over(is_over=False)

    @property
    def request(self) -> QueuedRequest | None:
        """What is explained."""
        return self._request

    def set_over(self, *, is_over: bool) -> None:
        """Lie over the page, with a button that closes it and the request's name, or beside the list."""
        self._is_over = is_over
        self._close.setVisible(is_over)
        self._name.setVisible(is_over and self._request is not None)
        self._sum.setVisible(not is_over)  # there is no room for both

    def show_request(self, request: QueuedRequest, snapshot: QueueSnapshot, lane: str) -> None:
        """Explain a request.

        Args:
            request: as of the last look.
            snapshot: the queue at that look.
            lane: what its lane is called; empty while that is not known.
        """
        is_other = self._request is None or self._request.id != request.id
        self._request = request
        _say(self._title, title_of(request))
        rest, total = score_words(request)
        _say(self._sum, rest)
        _say(self._total, total)
        _say(self._name, request.title)
        has_parts = bool(request.parts) and request.position > 0
        self.factors.setVisible(has_parts)
        self._words.setVisible(has_parts)
        self._facts.setVisible(not has_parts)
        if has_parts:
            self.factors.show_parts(request.parts)
        else:
            self._facts.show_facts(facts_of(request, lane, is_paused=snapshot.is_paused))
        reason, bound = reason_of(request), bound_words(request, snapshot)
        if has_parts and not self._is_over and len(reason) <= _SHORT:
            reason = ""
        for label, words in ((self._reason, reason), (self._bound, bound)):
            _say(label, words)
            label.setVisible(bool(words))
        self._nothing.hide()
        self._foot.show()
        self._foot_line.show()
        self._show_buttons(request)
        self._name.setVisible(self._is_over)
        if is_other:
            self.setAccessibleName(f"{title_of(request)} {request.title}")
            self._scroll.verticalScrollBar().setValue(0)

    def show_nothing(self, words: str) -> None:
        """Say that no request is chosen."""
        self._request = None
        _say(self._title, "Why?")
        _say(self._sum, "")
        _say(self._total, "")
        _say(self._nothing, words)
        self.setAccessibleName("Explanation")
        for part in (
            self.factors,
            self._words,
            self._facts,
            self._reason,
            self._bound,
            self._name,
            self._foot,
            self._foot_line,
        ):
            part.hide()
        self._nothing.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Escape where it lies over the page."""
        if event.key() == Qt.Key.Key_Escape and self._is_over:
            self.closed.emit()
            return
        super().keyPressEvent(event)

    # --------------------------------------------------------------------------------------------------------- private

    def _show_buttons(self, request: QueuedRequest) -> None:
        can_move = can_move_up(request)
        if self.move_button.isEnabled() != can_move:
            self.move_button.setEnabled(can_move)
        word = URGENCY_WORDS[request.urgency][0]
        _say(self.urgency_button, word)
        title, level = request.title, f"level {request.level}, {LEVEL_WORDS[request.level]}"
        tips = (
            (self.move_button, f"Move {title} up", "Let it begin next (U)" if can_move else _why_not(request)),
            (self.urgency_button, f"Urgency of {title}: {word}, {level}", f"{word}, {level}"),
            (self.cancel_button, f"Cancel {title}", "Cancel the request (Del)"),
        )  # fmt: skip
        for button, name, tip in tips:
            if button.accessibleName() != name:
                button.setAccessibleName(name)
            button.setToolTip(tip)

    def _fill_menu(self) -> None:
        menu = self.urgency_button.choices
        menu.clear()
        if self._request is not None:
            self._actions.add_urgencies(menu, self._request)

    def _leave_room(self, _least: int, most: int) -> None:
        """Keep the right edge where it is, whether there is a scroll bar or not."""
        margins = self._words_column.contentsMargins()
        bar = self._scroll.verticalScrollBar().sizeHint().width() if most else 0
        margins.setRight(max(0, margins.left() - bar))
        self._words_column.setContentsMargins(margins)

    def _on_move(self) -> None:
        if self._request is not None:
            self._actions.move_up(self._request)

    def _on_cancel(self) -> None:
        if self._request is not None:
            self._actions.cancel(self._request)

    def _paint_icons(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self.move_button.setIcon(theme.icon("arrow-up", "text", edge))
        self.cancel_button.setIcon(theme.icon("close", "danger", edge))

    def _set_up(self) -> None:
        self._title.setProperty("role", "strong")
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._sum.setProperty("role", "small")
        self._total.setProperty("role", "small")
        self._sum.setProperty("muted", True)
        self._name.setProperty("role", "small")
        self._words.setProperty("role", "small")
        self._words.setFixedHeight(self._appearance.theme.line("small"))
        for button in (self.move_button, self.urgency_button, self.cancel_button):
            button.setProperty("small", True)
        self.cancel_button.setProperty("kind", "danger")
        self.urgency_button.choices.aboutToShow.connect(self._fill_menu)
        self.move_button.clicked.connect(self._on_move)
        self.cancel_button.clicked.connect(self._on_cancel)
        self._close.clicked.connect(self.closed)
        self.factors.pointed.connect(self._words.setText)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        edge = theme.space("l") - 1
        head = QWidget(self)
        head.setFixedHeight(HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(edge, 0, edge, 0)
        row.addWidget(self._title)
        row.addStretch(1)
        row.addWidget(self._sum)
        row.setSpacing(theme.space("xs"))
        row.addWidget(self._total)
        row.addWidget(self._close)
        body = QWidget(self._scroll)
        words = QVBoxLayout(body)
        words.setContentsMargins(edge, theme.space("xs"), edge, theme.space("xs"))
        words.setSpacing(theme.space("xxs"))
        for part in (self._name, self._nothing, self.factors, self._facts, self._words, self._bound, self._reason):
            words.addWidget(part)
        self._words_column = words
        self._scroll.verticalScrollBar().rangeChanged.connect(self._leave_room)
        words.addStretch(1)
        self._scroll.setWidget(body)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.viewport().setAutoFillBackground(False)
        body.setAutoFillBackground(False)
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(edge, 0, edge, 0)
        foot.setSpacing(theme.space("s"))
        foot.addWidget(self.move_button)
        foot.addWidget(self.urgency_button)
        foot.addStretch(1)
        foot.addWidget(self.cancel_button)
        self._foot.setFixedHeight(_FOOT)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(_line(self))
        column.addWidget(self._scroll, 1)
        column.addWidget(self._foot_line)
        column.addWidget(self._foot)


def _why_not(request: QueuedRequest) -> str:
    return "It is next already." if request.position else "It runs already."


def _say(label: QLabel | QPushButton, words: str) -> None:
    if label.text() != words:
        label.setText(words)


def _sentence(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setProperty("role", "small")
    label.setProperty("muted", True)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setMinimumWidth(1)
    return label


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setProperty("line", "top")
    line.setFixedHeight(1)
    return line
