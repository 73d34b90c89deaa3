"""Notices: messages of several senders for one banner; the most important one is shown, the others wait for it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from PySide6.QtCore import QObject

from app.theme.widgets.banner import Banner, Kind


class Rank(IntEnum):
    """Who speaks first; each sender has at most one message."""

    CRASH = 0  # how Hearth ended the last time
    PLUGINS = 1  # which plugins were at work then, or that they are left out
    UPDATE = 2  # a new version


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message.

    Attributes:
        kind: how grave it is.
        cause: one sentence, shown bold.
        remedy: one sentence: what was done, or can be.
        buttons: words and what they do, three at most; a press does not take the message away by itself.
        closed: called when the person closes it.
    """

    kind: Kind
    cause: str
    remedy: str = ""
    buttons: tuple[tuple[str, Callable[[], object]], ...] = ()
    closed: Callable[[], object] | None = None


class Notices(QObject):
    """Shows one message at a time.

    Thread: UI only.
    """

    def __init__(self, banner: Banner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._banner = banner
        self._waiting: dict[Rank, Notice] = {}
        self._shown: Rank | None = None
        banner.pressed.connect(lambda: self._press(0))
        banner.other_pressed.connect(lambda: self._press(1))
        banner.third_pressed.connect(lambda: self._press(2))
        banner.closed.connect(self._on_closed)

    def put(self, rank: Rank, notice: Notice) -> None:
        """Give a message, in place of the sender's last one; it is shown once no more important one is."""
        self._waiting[rank] = notice
        if self._shown is None or rank <= self._shown:
            self._show(rank)

    def take_away(self, rank: Rank) -> None:
        """Take a sender's message away, if there is one."""
        self._waiting.pop(rank, None)
        if self._shown is rank:
            self._show_next()

    def _show(self, rank: Rank) -> None:
        self._shown = rank
        notice = self._waiting[rank]
        words = [words for words, _ in notice.buttons]
        self._banner.show_message(notice.kind, notice.cause, notice.remedy, *words)

    def _show_next(self) -> None:
        self._shown = None
        if self._waiting:
            self._show(min(self._waiting))
        else:
            self._banner.clear()

    def _press(self, at: int) -> None:
        if self._shown is not None and at < len(self._waiting[self._shown].buttons):
            self._waiting[self._shown].buttons[at][1]()

    def _on_closed(self) -> None:
        notice = self._waiting.pop(self._shown, None) if self._shown is not None else None
        self._show_next()
        if notice is not None and notice.closed is not None:
            notice.closed()
