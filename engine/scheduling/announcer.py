"""Announcer: tells those who wait where they stand and when they are likely to begin, a few times a second."""

import logging
import threading
from dataclasses import dataclass
from typing import Final

from engine.scheduling.entries import Entry
from engine.scheduling.forecast import forecast
from engine.scheduling.queue_state import QueueState, ticket_of
from engine.scheduling.reasons import reason_of
from engine.types import Queued

log = logging.getLogger(__name__)

TOLD: Final = 16
"""Callers further back than this hear nothing until they have come nearer."""
INTERVAL_S: Final = 0.25
_NEWS_S: Final = 1.0
"""A predicted start that moved by less than this, or by less than a fifth, is no news."""


@dataclass(frozen=True, slots=True)
class _Told:
    position: int
    at_s: float | None
    reason: str


class Announcer:
    """A thread that sleeps while nobody waits.

    Thread: any; it works on `hearth-announcer`.
    """

    def __init__(self, state: QueueState) -> None:
        """Start the thread."""
        self._state = state
        self._told: dict[int, _Told] = {}
        self._thread = threading.Thread(target=self._run, name="hearth-announcer", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for its end; the queue was closed before."""
        self._thread.join()

    def _run(self) -> None:
        state = self._state
        while True:
            with state.changed:
                while not state.is_closed and not any(need.waiting for need in state.roster.needs.values()):
                    self._told.clear()
                    state.changed.wait()
                if state.is_closed:
                    return
                news = self._try_news()
            for entry, event in news:
                ticket_of(entry).tell(event)
            if state.closed.wait(INTERVAL_S):
                return

    def _try_news(self) -> list[tuple[Entry, Queued]]:
        try:
            return self._news()
        except Exception:
            log.exception("the positions of those who wait could not be told")
            return []

    def _news(self) -> list[tuple[Entry, Queued]]:
        state, now_s = self._state, self._state.clock()
        nearest = state.policy.order(state.roster, now_s)[:TOLD]
        expected = forecast(state.roster, nearest, state.loading)
        news: list[tuple[Entry, Queued]] = []
        for position, entry in enumerate(nearest, start=1):
            if not entry.is_ready and entry.need.is_resident:
                continue  # it begins in a moment
            starts_in_s = None if state.roster.is_paused else expected[entry.id].starts_in_s
            told = _Told(position, None if starts_in_s is None else now_s + starts_in_s, reason_of(state.roster, entry))
            if _is_news(self._told.get(entry.id), told, starts_in_s or 0.0):
                self._told[entry.id] = told
                news.append((entry, Queued(position, starts_in_s, told.reason)))
        return news


def _is_news(before: _Told | None, now: _Told, starts_in_s: float) -> bool:
    if before is None or (before.position, before.reason) != (now.position, now.reason):
        return True
    if before.at_s is None or now.at_s is None:
        return before.at_s is not now.at_s
    return abs(before.at_s - now.at_s) > max(_NEWS_S, starts_in_s / 5)
