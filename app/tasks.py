"""Tasks: the only place in the app where a coroutine is started."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

OnError = Callable[[Exception], None]


class Tasks:
    """Running coroutines of one window. An error is reported the moment a coroutine ends, never swallowed.

    Attributes:
        count: how many are running.

    Thread: the event loop's.
    """

    def __init__(self, on_error: OnError | None = None) -> None:
        self._on_error = on_error or _log_error
        self._running: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def count(self) -> int:
        """How many coroutines are running."""
        return len(self._running)

    def start(
        self, coro: Coroutine[Any, Any, None], *, on_error: OnError | None = None, name: str | None = None
    ) -> asyncio.Task[None]:
        """Start a coroutine on the running loop.

        Args:
            coro: what to run.
            on_error: called with the exception it ends with; without it the error goes to this object's own.
            name: shown in logs and debuggers.

        Returns:
            The task; keep it only to cancel it.

        Raises:
            RuntimeError: `close` was called; nothing new may start.
        """
        if self._is_closed:
            coro.close()
            raise RuntimeError("Tasks are closed")
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._running.add(task)
        task.add_done_callback(lambda done: self._finish(done, on_error or self._on_error))
        return task

    async def close(self) -> None:
        """Cancel everything and wait until it has ended. Safe to call twice."""
        self._is_closed = True
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running)

    def _finish(self, task: asyncio.Task[None], on_error: OnError) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, Exception):
            on_error(error)
        elif error is not None:
            log.critical("Task %s ended with %r", task.get_name(), error, exc_info=error)


def _log_error(error: Exception) -> None:
    log.error("A task failed", exc_info=error)
