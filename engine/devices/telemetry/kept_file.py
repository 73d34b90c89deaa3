"""Files of /sys and /proc that are read again and again, and numbers that are worth reading only now and then."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

_SIZE_BYTES = 4096  # one attribute of /sys is at most a page
_JITTER_S = 0.05  # a reader that comes once per second sometimes comes a moment early

Value = TypeVar("Value")


class KeptFile:
    """A file that is opened once and read many times; a read costs a tenth of opening it anew.

    The kernel makes the text of these files anew whenever they are read from their beginning. A file under /proc/PID
    keeps meaning the same process: once that has ended, reading fails, even if its number is given to another one.

    Thread: one at a time.
    """

    def __init__(self, path: Path, size_bytes: int = _SIZE_BYTES) -> None:
        """Open the file; one that is not there, or may not be read, says None for ever.

        Args:
            path: of the file.
            size_bytes: most that is read of it.
        """
        self._size_bytes = size_bytes
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            self._descriptor = -1

    @property
    def is_open(self) -> bool:
        """Whether it could be opened, and has not been closed since."""
        return self._descriptor >= 0

    def text(self) -> str | None:
        """What the file says now; None if it cannot be read (the device sleeps, the process has ended)."""
        if self._descriptor < 0:
            return None
        try:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            return os.read(self._descriptor, self._size_bytes).decode("utf-8", "replace")
        except OSError:
            return None

    def number(self) -> int | None:
        """The whole number that the file consists of; None if it cannot be read or says something else."""
        text = self.text()
        try:
            return None if text is None else int(text)
        except ValueError:
            return None

    def close(self) -> None:
        """Close it; it says None from now on."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()


class Seldom(Generic[Value]):
    """A number that moves slowly or is dear to read: read at most every so often, and remembered in between.

    Thread: one at a time.
    """

    def __init__(self, period_s: float, read: Callable[[], Value]) -> None:
        """Remember how to read it; nothing is read yet.

        Args:
            period_s: least time between two readings.
            read: reads it.
        """
        self._period_s = period_s
        self._read = read
        self._known: tuple[float, Value] | None = None

    def value(self, now_s: float) -> Value:
        """The number, read anew if it is due; `now_s` is on the monotonic clock."""
        if self._known is None or now_s - self._known[0] >= self._period_s - _JITTER_S:
            self._known = now_s, self._read()
        return self._known[1]


class Rate:
    """How fast a counter rises.

    Thread: one at a time.
    """

    def __init__(self, least_s: float = 0.05, wraps_at: int | None = None) -> None:
        """Begin without a first count.

        Args:
            least_s: shortest interval worth dividing by; sooner, the last rate is given again.
            wraps_at: the counter begins again at 0 after this; None if a lower count means that it was reset.
        """
        self._least_s = least_s
        self._wraps_at = wraps_at
        self._last: tuple[float, float] | None = None
        self._rate: float | None = None

    def of(self, count: float | None, now_s: float) -> float | None:
        """Its rise per second since the last count; None without a count now or before."""
        last = self._last
        if count is None:
            self._last = self._rate = None
        elif last is None or now_s - last[0] >= self._least_s:
            self._last = now_s, count
            self._rate = None if last is None else self._risen(count - last[1], now_s - last[0])
        return self._rate

    def _risen(self, rise: float, interval_s: float) -> float | None:
        if rise < 0 and self._wraps_at is not None:
            rise += self._wraps_at
        return None if rise < 0 else rise / interval_s
