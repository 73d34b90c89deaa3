"""Clerk: does what the cache of answers needs on a thread of its own, in order, and brings back what came of it."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from engine.errors import EngineClosedError

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE_S: Final = 3.0
"""Longest that a request waits for the cache; then it is computed as if there were none. A guess: a disk that has gone
to sleep is awake again by then, and what takes longer hangs."""
_DELIVERY_S: Final = 0.02
"""What was asked for at the same moment comes back together, so that images still run as one batch; but the first of
many need not wait longer than this for the last."""


class ClerkBusyError(Exception):
    """The thread does not answer in time, or is closed."""


@dataclass(slots=True, eq=False)
class _Ask:
    work: Callable[[], Any]
    future: "asyncio.Future[Any]"
    value: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.value = self.work()
        except Exception as error:  # noqa: BLE001 - raised to whoever asked
            self.error = error

    def deliver(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Clerk:
    """The thread `hearth-cache`. It is started when it is first needed.

    Thread: `ask` and `close` on the event loop, `tell` on any.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        """Make one.

        Args:
            patience_s: longest that `ask` waits.
        """
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hearth-cache")
        self._patience_s = patience_s
        self._asked: list[_Ask] = []
        self._hung: asyncio.Future[Any] | None = None  # what it has not answered in time

    async def ask(self, work: Callable[[], T]) -> T:
        """Have something done, and wait for what comes of it.

        Raises:
            ClerkBusyError: it takes too long, or something that is before it does.
            Exception: whatever the work raises.
        """
        if self._hung is not None and not self._hung.done():
            raise ClerkBusyError
        loop = asyncio.get_running_loop()
        ask = _Ask(work, loop.create_future())
        if not self._asked:
            loop.call_soon(self._hand_over, loop)
        self._asked.append(ask)
        done, _ = await asyncio.wait({ask.future}, timeout=self._patience_s)
        if not done:
            self._hung = ask.future
            log.warning("The cache of answers does not answer, and is left out for now.")
            raise ClerkBusyError
        value: T = ask.future.result()
        return value

    def tell(self, work: Callable[[], object]) -> None:
        """Have something done some time; does nothing once it is closed."""
        try:
            self._pool.submit(_do, work)
        except RuntimeError:
            log.debug("the cache of answers is closed")

    async def do(self, work: Callable[[], T]) -> T:
        """Have something done, however long it takes.

        Raises:
            EngineClosedError: it is closed.
        """
        try:
            return await asyncio.wrap_future(self._pool.submit(work))
        except RuntimeError as error:
            raise EngineClosedError("The engine was closed.") from error

    def close(self, last: Callable[[], object]) -> None:
        """Do what is left, and this at the end; waits for it. Thread: any but the loop's."""
        self.tell(last)
        self._pool.shutdown(wait=True)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = self._asked, []
        try:
            self._pool.submit(_work_through, asked, loop)
        except RuntimeError:  # closed meanwhile
            for ask in asked:
                ask.error = ClerkBusyError()
                ask.deliver()


def _work_through(asked: list[_Ask], loop: asyncio.AbstractEventLoop) -> None:
    done: list[_Ask] = []
    began_s = time.monotonic()
    for ask in asked:
        ask.run()
        done.append(ask)
        if time.monotonic() - began_s >= _DELIVERY_S:
            _bring(done, loop)
            done, began_s = [], time.monotonic()
    _bring(done, loop)


def _bring(done: list[_Ask], loop: asyncio.AbstractEventLoop) -> None:
    def deliver() -> None:
        for ask in done:
            ask.deliver()

    try:
        loop.call_soon_threadsafe(deliver)
    except RuntimeError:
        log.debug("nobody waits for the cache of answers any more: the loop is closed")


def _do(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # the thread's top level: it must go on
        log.exception("the cache of answers failed")
