"""Flights: computations that several equal requests share."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from engine.errors import EngineClosedError, EngineDeadError
from engine.stream import OutputStream
from engine.types import Event, Finished, GenerateResult, Loading, Prefill, Queued

R = TypeVar("R")


class Flight:
    """An answer that is being computed for everybody who asks for the same meanwhile.

    Whoever comes later reads it from its beginning. It is cancelled when the last one has gone.

    Thread: the event loop's.

    Attributes:
        task: computes it.
    """

    def __init__(
        self,
        source: AsyncGenerator[Event],
        on_result: Callable[[GenerateResult], None],
        on_end: Callable[[], None],
    ) -> None:
        """Begin.

        Args:
            source: computes the answer; nobody else may read it.
            on_result: called with the result, if there is one, before anybody hears of it.
            on_end: called when nobody can join any more; more than once, perhaps.
        """
        self._log: list[Event] = []
        self._error: BaseException | None = None
        self._readers: set[OutputStream] = set()
        self._on_result, self._on_end = on_result, on_end
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self._run(source), name="hearth-flight")

    async def events(self) -> AsyncGenerator[Event]:
        """Yield its events from the beginning; close the generator to leave it.

        Raises:
            EngineError: what the computation raised.
        """
        stream = OutputStream(self._loop)
        self._readers.add(stream)
        for number, event in enumerate(self._log, start=1):
            # How far it was earlier is no news to anybody.
            if number == len(self._log) or not isinstance(event, Queued | Loading | Prefill):
                stream.put(event)
        if self._error is not None:
            stream.fail(self._error)
        try:
            async with aclosing(stream.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._readers.discard(stream)
            if not self._readers:
                await self._cancel()

    async def _cancel(self) -> None:
        if not self.task.done():
            self._on_end()
            self.task.cancel()
            await asyncio.wait({self.task})

    async def _run(self, source: AsyncGenerator[Event]) -> None:
        try:
            async with aclosing(source) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        self._on_result(event.result)
                        self._on_end()
                    self._log.append(event)
                    for reader in self._readers:
                        reader.put(event)
            self._fail(EngineDeadError("An answer ended without a result."))  # unless there was one
        except asyncio.CancelledError:
            self._fail(EngineClosedError("The engine was closed."))
            raise
        except Exception as error:  # noqa: BLE001 - raised to everybody who reads
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not (self._log and isinstance(self._log[-1], Finished)):
            self._error = error
            self._on_end()
            for reader in self._readers:
                reader.fail(error)


class SharedResult(Generic[R]):
    """A result that is being computed for everybody who asks for the same meanwhile.

    Thread: the event loop's.

    Attributes:
        task: computes it.
    """

    def __init__(self, work: Coroutine[Any, Any, R], on_end: Callable[[], None]) -> None:
        """Begin.

        Args:
            work: computes the result.
            on_end: called when nobody can join any more; more than once, perhaps.
        """
        self._waiters = 0
        self._on_end = on_end
        self.task = asyncio.get_running_loop().create_task(work, name="hearth-flight")
        self.task.add_done_callback(lambda _task: on_end())

    async def wait(self) -> R:
        """Wait for it; cancelling the wait leaves it, and the last one who leaves cancels it.

        Raises:
            EngineError: what the computation raised.
        """
        self._waiters += 1
        try:
            return await asyncio.shield(self.task)
        finally:
            self._waiters -= 1
            if not self._waiters:
                await self._cancel()

    async def _cancel(self) -> None:
        if not self.task.done():
            self._on_end()
            self.task.cancel()
            await asyncio.wait({self.task})
