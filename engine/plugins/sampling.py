"""Beat: calls back at a steady pace on a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

from engine.errors import EngineError
from engine.plugins.contract.offers import Sample, TelemetrySource

log = logging.getLogger(__name__)

BEAT_S: Final = 0.5
LEAST_PERIOD_S: Final = 0.5

Submit = Callable[[Callable[[], None]], "Future[None]"]
"""Has something done on another thread."""

Keep = Callable[[str, str, tuple[Sample, ...]], None]
"""Takes plugin, source and its newest numbers."""


class Beat:
    """Calls a function every half second until it is closed.

    Thread: any; the function is called on `hearth-plugins-beat`.
    """

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None  # guarded by _lock
        self._ended = threading.Event()

    def ensure(self) -> None:
        """Begin, if it has not begun and is not closed."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._work, name="hearth-plugins-beat", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End; waits for a call in progress."""
        with self._lock:
            self._ended.set()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                self._function()
            except Exception:  # the next beat may go well, and without one nothing is watched any more
                log.exception("Watching the plugins failed")


class Sampler:
    """Reads telemetry sources, each at its own period, and none while its last reading is still under way.

    Thread: one, that of `sample_due`.
    """

    def __init__(self, submit: Submit, keep: Keep) -> None:
        """Make a sampler.

        Args:
            submit: has a reading done on another thread, because a source can block.
            keep: gets the numbers, on that thread.
        """
        self._submit = submit
        self._keep = keep
        self._due_s: dict[tuple[str, str], float] = {}
        self._readings: dict[tuple[str, str], Future[None]] = {}

    def sample_due(self, sources: list[tuple[str, TelemetrySource]]) -> None:
        """Read the sources whose time has come.

        Args:
            sources: all of them, with their plugins.
        """
        now_s = time.monotonic()
        known = {(plugin, source.id) for plugin, source in sources}
        self._due_s = {key: due_s for key, due_s in self._due_s.items() if key in known}
        for plugin, source in sources:
            key = (plugin, source.id)
            reading = self._readings.get(key)
            if now_s < self._due_s.get(key, 0.0) or (reading is not None and not reading.done()):
                continue
            self._due_s[key] = now_s + max(LEAST_PERIOD_S, source.period_s)
            self._readings[key] = self._submit(partial(self._read, plugin, source))

    def _read(self, plugin: str, source: TelemetrySource) -> None:
        try:
            self._keep(plugin, source.id, tuple(source.sample()))
        except EngineError as error:  # reported by its guard or its process
            log.debug("%s gave no numbers: %s", source.id, error)
