"""Loaders: one thread per device that loads what the queue says next, while everything that is loaded goes on."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from engine.errors import EngineError, ModelError, OutOfMemoryError
from engine.hardware import HardwareEvent
from engine.memory.residency import Residency
from engine.scheduling.load_queue import LoadOrder, LoadQueue
from engine.scheduling.marks import loaded
from engine.scheduling.tickets import Ticket

log = logging.getLogger(__name__)


class Loaders:
    """Loads models.

    Thread: any; the work is done on `hearth-loader-DEVICE`.
    """

    def __init__(
        self,
        queue: LoadQueue,
        residency: Residency,
        note: Callable[[HardwareEvent], None],
        start: Callable[[Ticket], None],
        on_failed: Callable[[Sequence[Ticket], EngineError], None],
    ) -> None:
        """Make it.

        Args:
            queue: says what is loaded next.
            residency: loads it.
            note: takes what happens, for the time axis.
            start: called with each request whose model has come.
            on_failed: called with the requests whose model could not be loaded.
        """
        self._queue = queue
        self._residency = residency
        self._note = note
        self._start = start
        self._on_failed = on_failed
        self._threads: dict[str, threading.Thread] = {}  # guarded by _lock
        self._lock = threading.Lock()

    def ensure(self, device: str) -> None:
        """Make sure that a device has its thread."""
        with self._lock:
            if device not in self._threads:
                name = f"hearth-loader-{device}"
                self._threads[device] = threading.Thread(target=self._run, args=(device,), name=name, daemon=True)
                self._threads[device].start()

    def close(self) -> None:
        """Wait until all threads have ended; the queue was closed before."""
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join()

    def _run(self, device: str) -> None:
        while (order := self._queue.next_load(device)) is not None:
            try:
                self._load(order)
            except OutOfMemoryError as error:
                # A request may have begun with a model that was idle a moment ago.
                if not self._queue.put_back(order.place):
                    self._fail(order, error)
            except EngineError as error:
                self._fail(order, error)
            except Exception as error:
                log.exception("loading failed inside")
                self._fail(order, ModelError(f"The model could not be loaded: {error}.", "The log says more."))

    def _load(self, order: LoadOrder) -> None:
        way, place = order.ticket.way, order.place
        began_s = time.monotonic()
        model = self._residency.load(
            way.info,
            lambda fraction: self._queue.tell_loading(place, fraction),
            way.target,
            way.needed_bytes,
            order.spare,
        )
        took_s = time.monotonic() - began_s
        self._queue.tell_loading(place, 1.0)
        self._note(loaded(model, took_s))
        for ticket in self._queue.loaded(place, model, began_s):
            self._start(ticket)

    def _fail(self, order: LoadOrder, error: EngineError) -> None:
        self._on_failed(self._queue.failed(order.place), error)
