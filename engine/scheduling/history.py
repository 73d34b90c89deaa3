"""History: the requests that have ended, newest first, as long as the engine runs."""

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import date
from itertools import islice
from typing import Final

from engine.queueing import EndedRequest

MOST_KEPT: Final = 500
"""Requests that are remembered; older ones are only counted."""


class History:
    """The latest requests that have ended, and how many did today.

    Thread: any.
    """

    def __init__(self, most: int = MOST_KEPT, clock: Callable[[], float] = time.time) -> None:
        """Make an empty history.

        Args:
            most: requests that are remembered.
            clock: Unix time.
        """
        self._clock = clock
        self._ended: deque[EndedRequest] = deque(maxlen=most)  # guarded by _lock; newest first
        self._day = date.min  # guarded by _lock; the day that is counted
        self._count = 0  # guarded by _lock
        self._lock = threading.Lock()

    def add(self, ended: EndedRequest) -> None:
        """Remember a request that ended just now."""
        with self._lock:
            self._ended.appendleft(ended)
            self._count = self._count_today() + 1

    def latest(self, most: int = MOST_KEPT) -> tuple[EndedRequest, ...]:
        """The newest ones, newest first."""
        with self._lock:
            return tuple(islice(self._ended, max(0, most)))

    def ended_today(self) -> int:
        """How many have ended since midnight, local time."""
        with self._lock:
            return self._count_today()

    def _count_today(self) -> int:
        today = date.fromtimestamp(self._clock())
        if today != self._day:
            self._day, self._count = today, 0
        return self._count
