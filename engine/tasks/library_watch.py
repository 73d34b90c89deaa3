"""LibraryWatch: notices models that come, change and go, without being told."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from engine.models.library import ModelLibrary

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.5
FLUSH_EVERY_S: Final = 60.0
_CLOSE_S: Final = 1.0

_COARSE_NS: Final = 2_000_000_000
"""Folders that have changed so short a time before they were listed are listed again: some file systems keep times only
to two seconds."""


class LibraryWatch:
    """Looks at folders now and then, from when it is started.

    Thread: any; looks on `hearth-library`.
    """

    def __init__(self, library: ModelLibrary, on_change: Callable[[], object], every_s: float = LOOK_EVERY_S) -> None:
        """Make a watch that does nothing yet.

        Args:
            library: whose folders they are.
            on_change: called on the thread when a folder has changed.
            every_s: seconds between two looks.
        """
        self._library = library
        self._on_change = on_change
        self._every_s = every_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None  # guarded by _lock
        self._stop = threading.Event()

    def start(self) -> None:
        """Start looking, if it has not been started."""
        with self._lock:
            if self._thread is None:
                self._stop = threading.Event()
                args = (self._stop,)
                self._thread = threading.Thread(target=self._run, args=args, name="hearth-library", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop looking, and wait until that is done, unless it is the first look at thousands of files."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            thread.join(_CLOSE_S)

    def _run(self, stop: threading.Event) -> None:
        looks = 0
        while not stop.wait(self._every_s):
            looks += 1
            try:
                if has_changed(self._library):
                    self._on_change()
                if looks * self._every_s >= FLUSH_EVERY_S:
                    looks = 0
                    self._library.speeds.flush()
            except Exception:
                log.exception("looking for new models failed inside")


def has_changed(library: ModelLibrary) -> bool:
    """Whether folders, or plugins, may make others of them than at the last scan; costs a `stat` for each folder."""
    seen = library.seen
    if any(str(source.folder) not in seen and source.folder.is_dir() for source in library.sources()):
        return True  # it has just come
    if library.is_stale:
        return True
    scanned_ns = library.scanned_at_ns
    return any(_time(folder) != time or 0 <= scanned_ns - time < _COARSE_NS for folder, time in seen.items())


def _time(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return -1
