"""TaskChannel: the way of a task's events from its thread to whoever started it."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Final

from engine.errors import RequestError
from engine.plugins.infos import TaskEvent, TaskFinished, TaskProgress, TaskText

DELIVERY_INTERVAL_S: Final = 0.03
"""Least time between two deliveries: nobody reads more often, and a task that floods costs its reader nothing."""
MAX_EMITTED_CHARS: Final = 16 << 20


class TaskChannel:
    """Events of one task. Text is joined, and of progress only the newest is kept, until the reader takes it.

    Thread: `put` and `end` on the task's thread; `events` on the loop's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ready = asyncio.Event()
        self._lock = threading.Lock()
        self._progress: TaskProgress | None = None  # guarded by _lock
        self._texts: dict[str, list[str]] = {}  # guarded by _lock
        self._outcome: TaskFinished | BaseException | None = None  # guarded by _lock
        self._is_woken = False  # guarded by _lock
        self._emitted = 0

    def put(self, event: TaskProgress | TaskText) -> None:
        """Add an event.

        Raises:
            RequestError: the task has emitted more text than anybody could want.
        """
        with self._lock:
            if isinstance(event, TaskProgress):
                self._progress = event
            else:
                self._emitted += len(event.text)
                self._texts.setdefault(event.output, []).append(event.text)
        if self._emitted > MAX_EMITTED_CHARS:
            raise RequestError(f"The task has written more than {MAX_EMITTED_CHARS >> 20} million characters.")
        self._wake()

    def end(self, outcome: TaskFinished | BaseException) -> None:
        """Say how it ended; the first call counts."""
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._wake()

    async def events(self) -> AsyncGenerator[TaskEvent]:
        """Yield events until the end.

        Raises:
            BaseException: what was given to `end`.
        """
        while True:
            await self._ready.wait()
            self._ready.clear()
            for event in (taken := self._take()):
                yield event
            if taken and isinstance(taken[-1], TaskFinished):
                return
            await asyncio.sleep(DELIVERY_INTERVAL_S)

    def _take(self) -> list[TaskEvent]:
        with self._lock:
            progress, self._progress = self._progress, None
            texts, self._texts = self._texts, {}
            self._is_woken = False
            outcome = self._outcome
        events: list[TaskEvent] = [TaskText(output, "".join(parts)) for output, parts in texts.items()]
        if progress is not None:
            events.append(progress)
        if isinstance(outcome, TaskFinished):
            events.append(outcome)
        elif outcome is not None and not events:
            raise outcome
        elif outcome is not None:
            self._ready.set()  # what was said before it failed comes first
        return events

    def _wake(self) -> None:
        with self._lock:
            if self._is_woken:
                return
            self._is_woken = True
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed: nobody will ever read this
            return
