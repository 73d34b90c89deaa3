"""Throttle: a speed that all downloads share."""

import threading
import time
from collections.abc import Callable
from typing import Final

_LOOK_S: Final = 0.1  # a changed limit is noticed after so long
_BURST_S: Final = 0.1


class Throttle:
    """Lets through so many bytes per second, in the order in which they were asked for.

    Thread: any.
    """

    def __init__(self, bytes_per_s: int = 0) -> None:
        """Make one; 0 sets no limit."""
        self._lock = threading.Lock()
        self._limit = bytes_per_s
        self._taken = 0.0  # guarded by _lock, as all below: bytes that were asked for since the start
        self._granted = 0.0  # of them, those that may have passed by now
        self._at_s = time.monotonic()

    @property
    def limit(self) -> int:
        """Bytes per second; 0 for none."""
        return self._limit

    def set_limit(self, bytes_per_s: int) -> None:
        """Change the speed, also of what runs; 0 sets no limit."""
        with self._lock:
            self._grant()
            self._limit = bytes_per_s

    def take(self, count: int, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait until so many bytes may pass.

        Args:
            count: bytes.
            sleep: waits so many seconds, or raises what ends the wait.
        """
        if not self._limit:
            return
        with self._lock:
            self._grant()
            self._taken += count
            ticket = self._taken
        try:
            while (wait_s := self._wait_s(ticket)) > 0:
                sleep(min(wait_s, _LOOK_S))
        except BaseException:
            with self._lock:
                self._granted += count  # whoever waits behind need not pay for it
            raise

    def _wait_s(self, ticket: float) -> float:
        with self._lock:
            self._grant()
            return (ticket - self._granted) / self._limit if self._limit else 0.0

    def _grant(self) -> None:
        """Let pass what time allows. Hold the lock."""
        now_s = time.monotonic()
        if self._limit:
            passed = self._granted + (now_s - self._at_s) * self._limit
            self._granted = min(passed, self._taken + _BURST_S * self._limit)
        else:
            self._granted = self._taken
        self._at_s = now_s
