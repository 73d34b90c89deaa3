"""Keeper: writes down soon what has changed, so that nobody who changes it waits for a disk."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Keeper:
    """Writes on a thread of its own, which lives only while there is something to write.

    Thread: any.
    """

    def __init__(self, write: Callable[[], None]) -> None:
        """Make it.

        Args:
            write: writes what there is at that moment.
        """
        self._write = write
        self._lock = threading.Lock()
        self._is_due = False  # guarded by _lock
        self._thread: threading.Thread | None = None  # guarded by _lock

    def soon(self) -> None:
        """Something has changed; does not wait."""
        with self._lock:
            self._is_due = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="hearth-job-file", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until everything that has changed before is written."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._is_due:
                    self._thread = None
                    return
                self._is_due = False
            try:
                self._write()
            except Exception:
                log.exception("jobs could not be written down")
