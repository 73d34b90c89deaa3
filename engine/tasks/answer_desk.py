"""AnswerDesk: what every form of request needs to look answers up, to keep them, and to share computations."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from engine.caching import Cached, CacheTier, CacheUse
from engine.errors import EngineClosedError, EngineError
from engine.memory.answers.policy import takes
from engine.memory.answers.store import AnswerStore
from engine.memory.answers.values import Kept, decode, encode
from engine.requests import Urgency
from engine.tasks.clerk import Clerk, ClerkBusyError
from engine.tasks.flight import SharedResult
from engine.tasks.grounds import Grounds

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Kept)
L = TypeVar("L")
R = TypeVar("R")

Slot = tuple[bytes, Urgency, int]
"""Key, urgency and level: equal requests that are as urgent as each other share a computation."""


@dataclass(frozen=True, slots=True)
class Found(Generic[K]):
    """A kept answer, and what is said of it."""

    kept: K
    cached: Cached


class AnswerDesk:
    """The store behind its thread, the count of what was found, and the computations that are going on.

    Thread: the event loop's, but for `find`, which runs on the clerk's, and the counts, which any may read.

    Attributes:
        store: keeps the answers; used on the clerk's thread only.
        grounds: says what they rest on; used there only.
        clerk: the thread.
        lookups: requests that looked for an answer.
        hits: of these, those that found one.
        saved_s: seconds that computing what was found had taken.
    """

    def __init__(self, store: AnswerStore, grounds: Grounds, clerk: Clerk) -> None:
        self.store = store
        self.grounds = grounds
        self.clerk = clerk
        self.lookups = self.hits = 0
        self.saved_s = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def look(self, work: Callable[[], L]) -> L | None:
        """Look something up on the thread; None if it has no key, or cannot be looked up now.

        Args:
            work: what to do there. What it raises means that the request has no key; if something is wrong with the
                request, computing it will say so.

        Raises:
            EngineClosedError: the engine was closed meanwhile.
        """
        try:
            found: L | None = await self.clerk.ask(work)
        except (ClerkBusyError, EngineError, OSError, TypeError, ValueError) as error:
            log.debug("a request has no key: %r", error)
            found = None
        self.check_open()
        return found

    def check_open(self) -> None:
        """Make sure that the engine is still open, before something is computed.

        Raises:
            EngineClosedError: it was closed.
        """
        if self._is_closed:
            raise EngineClosedError("The engine was closed.")

    def find(self, key: bytes, kind: type[K]) -> Found[K] | None:
        """What is kept under a key, unless it is too old. Thread: the clerk's."""
        there = self.store.get(key)
        if there is None:
            return None
        kept = decode(there.value, kind)
        if kept is None or time.time() - kept.stored_at > self.store.keep_s:
            return None
        return Found(kept, Cached(tier=there.tier, stored_at=kept.stored_at, saved_s=kept.saved_s))

    def keep(self, make: Callable[[], Mapping[bytes, Kept]]) -> None:
        """Keep answers; they are made ready on the thread, and what cannot be stored is not."""

        def put() -> None:
            try:
                entries = {key: encode(kept) for key, kept in make().items()}
            except (TypeError, ValueError, OSError) as error:
                log.debug("an answer was not kept: %r", error)
            else:
                self.store.put(entries)

        self.clerk.tell(put)

    def count(self, use: CacheUse, saved_s: float, *, is_hit: bool) -> None:
        """Count a lookup."""
        if takes(use):
            self.lookups += 1
            self.hits += is_hit
            self.saved_s += saved_s

    def joined(self, total_s: float) -> Cached:
        """What is said of a result that was computed for somebody else just now."""
        self.hits += 1
        self.saved_s += total_s
        return Cached(tier=CacheTier.FLIGHT, stored_at=time.time(), saved_s=total_s)

    def watch(self, task: asyncio.Task[Any]) -> None:
        """Wait for a task before the desk is closed."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def share(
        self,
        flights: dict[Slot, SharedResult[R]],
        slot: Slot,
        use: CacheUse,
        work: Callable[[], Coroutine[Any, Any, R]],
    ) -> tuple[R, bool]:
        """Compute a result, or wait for the computation of an equal request; says whether it was that.

        Args:
            flights: that are under way.
            slot: of the request.
            use: a request that wants it computed anew joins none, but may be joined.
            work: computes it.
        """
        flight = flights.get(slot) if takes(use) else None
        has_joined = flight is not None
        if flight is None:

            def leave() -> None:
                if flights.get(slot) is made:
                    del flights[slot]

            made = flight = flights[slot] = SharedResult(work(), leave)
            self.watch(made.task)
        return await flight.wait(), has_joined

    async def close(self) -> None:
        """Wait for all computations; whoever closes the engine has made them fail before."""
        self._is_closed = True
        while self._tasks:
            await asyncio.wait(list(self._tasks))
