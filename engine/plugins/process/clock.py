"""CallClock: how long a call has taken, waiting for models not counted."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class CallClock:
    """Runs while the plugin has something to do.

    Thread: any.

    Args:
        limit_s: when the call is overdue.
        what: what the plugin has then not done; completes "The plugin X ...".
    """

    def __init__(self, limit_s: float, what: str) -> None:
        self._limit_s = limit_s
        self._what = what
        self._lock = threading.Lock()
        self._since_s = time.monotonic()  # guarded by _lock
        self._spent_s = 0.0  # guarded by _lock
        self._pauses = 0  # guarded by _lock
        self._is_cut = False  # guarded by _lock

    @property
    def what(self) -> str:
        """What the plugin has not done."""
        return self._what

    def is_overdue(self) -> bool:
        """Whether the limit is exceeded."""
        with self._lock:
            running_s = 0.0 if self._pauses else time.monotonic() - self._since_s
            return self._spent_s + running_s > self._limit_s

    def cut(self, limit_s: float, what: str) -> None:
        """Start anew with another limit, which holds whoever is waited for; only the first cut counts."""
        with self._lock:
            if not self._is_cut:
                self._limit_s, self._what, self._is_cut = limit_s, what, True
                self._since_s, self._spent_s, self._pauses = time.monotonic(), 0.0, 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Not count the time inside: the plugin waits for Hearth. Pauses of several threads may overlap."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside `paused` after all: Hearth waits for the plugin."""
        self._change(-1)
        try:
            yield
        finally:
            self._change(1)

    def _change(self, step: int) -> None:
        with self._lock:
            if self._is_cut:
                return
            now_s = time.monotonic()
            if not self._pauses:
                self._spent_s += now_s - self._since_s
            self._pauses += step
            self._since_s = now_s
