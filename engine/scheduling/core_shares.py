"""CoreShares: two lanes on one processor, each with cores of its own while both have work.

Why: decoding text is bound by memory and gains little from the second half of the cores, while graphs of images are
bound by arithmetic. In turns each waits for the other; with all cores each, their threads take cores from one another.
"""

import threading
from typing import Final

GRAPHS: Final = "cpu-graphs"
TEXT: Final = "cpu"


class CoreShares:
    """Says how many cores a lane may use now.

    Thread: any.
    """

    def __init__(self, cores: int) -> None:
        self._cores = max(1, cores)
        self._busy: set[str] = set()  # guarded by _lock
        self._lock = threading.Lock()

    def enter(self, lane: str) -> None:
        """Note that a lane has work."""
        with self._lock:
            self._busy.add(lane)

    def leave(self, lane: str) -> None:
        """Note that a lane has none."""
        with self._lock:
            self._busy.discard(lane)

    def cores_of(self, lane: str) -> int:
        """Most cores that a lane should use: all while it is alone, else its part of them; at least 1."""
        with self._lock:
            others = len(self._busy - {lane})
        if not others:
            return self._cores
        return max(1, (self._cores + (1 if lane == TEXT else 0)) // (others + 1))
