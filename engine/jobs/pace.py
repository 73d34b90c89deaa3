"""Pace: how fast something goes lately."""

from collections import deque
from typing import Final

WINDOW_S: Final = 5.0


class Pace:
    """Rate over the last few seconds.

    Thread: one.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, done: int) -> float:
        """Note how far it is; returns how much per second, 0 before that can be said."""
        if self._seen and done < self._seen[-1][1]:  # it began again
            self._seen.clear()
        self._seen.append((now_s, done))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= WINDOW_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        return (done - first) / (now_s - first_s) if now_s - first_s > 0.2 else 0.0
