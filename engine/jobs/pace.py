"""Pace: how fast something goes lately."""

from collections import deque
from typing import Final

WINDOW_S: Final = 5.0
_SHORTEST_S: Final = 0.2
_STALE_S: Final = 1.0


class Pace:
    """Rate over the last few seconds.

    Thread: one notes, any asks.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._ends: tuple[float, int, float, int] | None = None  # oldest and newest of them; replaced as one

    def note(self, now_s: float, done: int) -> None:
        """Note how far it is."""
        if self._seen and done < self._seen[-1][1]:  # it began again
            self._seen.clear()
        self._seen.append((now_s, done))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        self._ends = (*self._seen[0], now_s, done)

    def rate(self, now_s: float) -> float:
        """How much per second, 0 before that can be said; falls while nothing is heard."""
        if self._ends is None:
            return 0.0
        first_s, first, last_s, last = self._ends
        until_s = last_s if now_s - last_s < _STALE_S else now_s
        return (last - first) / (until_s - first_s) if until_s - first_s > _SHORTEST_S else 0.0
