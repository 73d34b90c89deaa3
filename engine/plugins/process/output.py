"""OutputTail: the end of what a plugin prints."""

import io
import sys
import threading
import time
from typing import Final

from engine.plugins.process.failures import printable

_CHUNK_BYTES: Final = 1 << 20
_PAUSE_S: Final = 0.002
"""After each read: a plugin may print as fast as it likes, but Hearth's window comes first."""


class OutputTail:
    """Reads what a process prints, keeps the end, counts the rest.

    Thread: any. A thread of its own, `hearth-plugin-print`, reads until nobody can print any more.

    Args:
        stream: the reading end of a pipe, unbuffered; closed at its end.
        keep_bytes: how much is kept.
    """

    def __init__(self, stream: io.FileIO, keep_bytes: int) -> None:
        self._stream = stream
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        self._tail = b""  # guarded by _lock
        self._total = 0  # guarded by _lock
        _widen(stream)
        self._thread = threading.Thread(target=self._read, name="hearth-plugin-print", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """What was printed last."""
        with self._lock:
            tail, dropped = self._tail, self._total - len(self._tail)
        note = f"[{dropped:,} bytes before this were dropped]\n" if dropped else ""
        return note + printable(tail.decode("utf-8", "replace"), kept="\n\t")

    def join(self, timeout_s: float) -> None:
        """Wait until the rest has been read; the process has ended."""
        self._thread.join(timeout_s)

    def _read(self) -> None:
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        with self._stream:
            while count := self._stream.readinto(buffer):
                with self._lock:
                    self._total += count
                    kept = bytes(buffer[max(0, count - self._keep_bytes) : count])
                    self._tail = (self._tail + kept)[-self._keep_bytes :]
                time.sleep(_PAUSE_S)


def _widen(stream: io.FileIO) -> None:
    """Make the pipe as large as one read, where that can be chosen, so that few reads take much."""
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        except OSError:  # the user has too many large pipes already; a small one is only slower
            return
