"""LaneMeter: how busy a lane is, and what it gets done, over the last seconds."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

RATE_WINDOW_S: Final = 1.0
"""Tokens per second are averaged over this."""
SLOW_WINDOW_S: Final = 2.0
"""Images per second and the busy share are averaged over this: an image can take a large part of a second."""


class LaneMeter:
    """Counts what a lane does.

    Thread: the lane notes, anybody reads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens = _Window(RATE_WINDOW_S)
        self._images = _Window(SLOW_WINDOW_S)
        self._busy = _Window(SLOW_WINDOW_S)
        self._lock = threading.Lock()
        self._worked_s = clock()

    def note_step(self, duration_s: float) -> None:
        """Add a step that ends now."""
        with self._lock:
            self._worked_s = self._clock()
            self._busy.add(self._worked_s, duration_s)

    def note_tokens(self, count: int) -> None:
        """Add generated tokens."""
        with self._lock:
            self._tokens.add(self._clock(), count)

    def note_images(self, count: int) -> None:
        """Add recognised images."""
        with self._lock:
            self._images.add(self._clock(), count)

    @property
    def idle_s(self) -> float:
        """Seconds since its last step, or since it was made."""
        with self._lock:
            return self._clock() - self._worked_s

    @property
    def tokens_per_s(self) -> float:
        """Generated over the last second."""
        with self._lock:
            return self._tokens.per_s(self._clock())

    @property
    def images_per_s(self) -> float:
        """Recognised over the last seconds."""
        with self._lock:
            return self._images.per_s(self._clock())

    @property
    def busy(self) -> float:
        """Share of the last seconds that its steps took, in [0, 1]."""
        with self._lock:
            return min(1.0, self._busy.per_s(self._clock()))


class _Window:
    """Amounts of the last seconds."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._entries: deque[tuple[float, float]] = deque()

    def add(self, now_s: float, amount: float) -> None:
        self._entries.append((now_s, amount))
        while self._entries[0][0] < now_s - self._length_s:
            self._entries.popleft()

    def per_s(self, now_s: float) -> float:
        return sum(amount for at_s, amount in self._entries if at_s >= now_s - self._length_s) / self._length_s
