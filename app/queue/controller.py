"""QueueController: the queue as it is now, while somebody looks, and what the person does with it."""

import time
from collections.abc import Callable, Iterator
from itertools import chain

from PySide6.QtCore import QObject, QTimer, Signal

from app.queue.recorder import Recorder
from app.queue.source import QueueSource
from engine.errors import EngineClosedError, EngineError
from engine.queueing import EndedRequest, QueuedRequest, QueueSnapshot
from engine.requests import Urgency

_REFRESH_MS = 250
_LEAST_PAUSE = 4  # times as long as a look took: a queue of ten thousand must not slow the window down


class QueueController(QObject):
    """Looks at the queue four times a second while it is watched, and at nothing while it is not.

    Attributes:
        recorder: what ran in the last twenty seconds, as far as it was seen.

    Signals:
        ticked: there was a look.
        failed: something did not work: cause, remedy.

    Thread: UI only.
    """

    ticked = Signal()
    failed = Signal(str, str)

    def __init__(
        self, source: QueueSource, now: Callable[[], float] = time.time, parent: QObject | None = None
    ) -> None:
        """Look at nothing yet.

        Args:
            source: the queue.
            now: reads the clock, in seconds since 1970.
            parent: where it lives.
        """
        super().__init__(parent)
        self.recorder = Recorder()
        self._source = source
        self._now = now
        self._snapshot: QueueSnapshot | None = None
        self._running: tuple[QueuedRequest, ...] = ()
        self._waiting: tuple[QueuedRequest, ...] = ()
        self._is_open = False
        self._is_watched = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.refresh)

    @property
    def snapshot(self) -> QueueSnapshot | None:
        """The queue at the last look; None before the first."""
        return self._snapshot

    @property
    def running(self) -> tuple[QueuedRequest, ...]:
        """What ran at the last look, longest first."""
        return self._running

    @property
    def waiting(self) -> tuple[QueuedRequest, ...]:
        """What waited at the last look, next first; of very many only the first ones."""
        return self._waiting

    @property
    def waiting_count(self) -> int:
        """How many waited at the last look."""
        return max(len(self._waiting), self._snapshot.waiting_count if self._snapshot is not None else 0)

    @property
    def now_s(self) -> float:
        """The clock, in seconds since 1970."""
        return self._now()

    @property
    def is_paused(self) -> bool:
        """Whether nothing new begins."""
        return self._snapshot is not None and self._snapshot.is_paused

    def find(self, request: str) -> QueuedRequest | EndedRequest | None:
        """A request as of the last look, whether it runs, waits or has ended; None if it is not known."""
        if self._snapshot is None or not request:
            return None
        entries: Iterator[QueuedRequest | EndedRequest] = chain(self._running, self._waiting, self._snapshot.ended)
        return next((entry for entry in entries if entry.id == request), None)

    def open(self) -> None:
        """Take up work: the engine is open now. Safe to call twice."""
        self._is_open = True
        self.watch(self._is_watched)

    def close(self) -> None:
        """Look no more; call before the engine is closed. Safe to call twice."""
        self._is_open = False
        self._timer.stop()

    def watch(self, is_watched: bool) -> None:
        """Say whether somebody can see the queue; nothing is done while nobody can."""
        self._is_watched = is_watched
        self._timer.stop()
        if is_watched and self._is_open:
            self.refresh()

    def refresh(self) -> None:
        """Look now."""
        if not self._is_open:
            return
        begin = time.perf_counter()
        try:
            snapshot = self._source.queue()
        except EngineClosedError:
            self.close()
            return
        self._snapshot, self._running, self._waiting = snapshot, snapshot.running, snapshot.waiting
        self.recorder.see(snapshot, self._running, self._now())
        self.ticked.emit()
        if self._is_watched:
            took_ms = (time.perf_counter() - begin) * 1000
            self._timer.start(max(_REFRESH_MS, round(_LEAST_PAUSE * took_ms)))

    # ------------------------------------------------------------------------------------------------------- actions

    def cancel(self, request: str) -> None:
        """End a request."""
        self._do(lambda: self._source.cancel_request(request))

    def move_up(self, request: str) -> None:
        """Let a request begin next on its lane."""
        self._do(lambda: self._source.move_up(request))

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> None:
        """Change how soon a request is needed, and, unless it is None, the person's own weight from 0 to 4."""
        self._do(lambda: self._source.set_urgency(request, urgency, level))

    def set_order(self, order: str) -> None:
        """Order requests otherwise, until the engine closes."""
        self._do(lambda: self._source.set_order(order))

    def set_paused(self, is_paused: bool) -> None:
        """Begin nothing new, or go on."""
        self._do(lambda: self._source.pause_queue(is_paused))

    def _do(self, action: Callable[[], bool | None]) -> None:
        """Do it and look at once; a request that has ended meanwhile is no error, the next look shows it."""
        if not self._is_open:
            return
        try:
            action()
        except EngineClosedError:
            self.close()
        except EngineError as error:
            self.failed.emit(error.cause, error.remedy)
        self.refresh()
