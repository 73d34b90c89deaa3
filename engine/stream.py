"""OutputStream: hands events from a worker thread to the event loop, merging what the consumer has not taken yet.

Why merging: at 300 tokens per second a crossing per token costs more than the tokens are worth, and a consumer that is
busy for a moment must find one delta waiting, not a hundred.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable

from engine.types import Event, Finished, TextDelta, ThinkingDelta, TokenLogprob

OnEnd = Callable[[BaseException | None], None]


class StreamCancelled(Exception):  # noqa: N818 - it is no error
    """The consumer has gone."""


DELIVERY_INTERVAL_S = 0.008
"""Least time between two deliveries: twice per frame at 60 Hz. A guess that keeps wake-ups near 1 % of a core."""


class OutputStream:
    """One request's way from a lane to its consumer.

    At most one wake-up of the loop is in flight. Consecutive deltas of a kind are merged, and of consecutive progress
    events of one type only the newest is kept.

    Thread: `put`, `fail` and `is_cancelled` from any thread; `cancel` and `events` from the loop's thread only.

    Attributes:
        is_cancelled: the consumer has gone; the producer should drop the request at its next step.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: OnEnd = lambda _error: None) -> None:
        """Make an open stream.

        Args:
            loop: of the consumer.
            on_end: called once when the stream ends or the consumer goes, on the thread that ends it: with what it
                ended with, which is None for `Finished` and `StreamCancelled` for a consumer that has gone.
        """
        self.is_cancelled = False
        self._on_end = on_end
        self._loop = loop
        self._lock = threading.Lock()
        self._pending: list[Event | _TextRun | _ThinkingRun] = []  # guarded by _lock
        self._error: BaseException | None = None  # guarded by _lock
        self._is_ended = False  # guarded by _lock
        self._wake_in_flight = False  # guarded by _lock
        self._ready = asyncio.Event()
        self._delivered_s = 0.0

    def put(self, event: Event) -> None:
        """Add an event; `Finished` ends the stream."""
        with self._lock:
            if self._is_ended:
                return
            self._merge(event)
            self._is_ended = isinstance(event, Finished)
            is_ended = self._is_ended
            needs_wake, self._wake_in_flight = not self._wake_in_flight, True
        if is_ended:
            self._on_end(None)
        if needs_wake:
            self._wake()

    def fail(self, error: BaseException) -> None:
        """End the stream with an error, raised to the consumer after what was put before it."""
        with self._lock:
            if self._is_ended:
                return
            self._is_ended = True
            self._error = error
            needs_wake, self._wake_in_flight = not self._wake_in_flight, True
        self._on_end(error)
        if needs_wake:
            self._wake()

    def cancel(self) -> None:
        """Say that nobody listens any more."""
        self.is_cancelled = True
        with self._lock:
            was_ended, self._is_ended = self._is_ended, True
        if not was_ended:
            self._on_end(StreamCancelled())

    async def events(self) -> AsyncGenerator[Event]:
        """Yield events until the end.

        Raises:
            BaseException: what was given to `fail`.
        """
        while True:
            await self._ready.wait()
            batch, error, is_ended = self._take()
            for event in batch:
                yield event
            if error is not None:
                raise error
            if is_ended:
                return

    def _take(self) -> tuple[list[Event], BaseException | None, bool]:
        with self._lock:
            batch, self._pending = self._pending, []
            self._wake_in_flight = False
            self._ready.clear()
            self._delivered_s = time.monotonic()
            events = [e.delta() if isinstance(e, _TextRun | _ThinkingRun) else e for e in batch]
            return events, self._error, self._is_ended

    def _merge(self, event: Event) -> None:
        last = self._pending[-1] if self._pending else None
        if isinstance(event, TextDelta):
            if isinstance(last, _TextRun):
                last.add(event)
            else:
                self._pending.append(_TextRun(event))
        elif isinstance(event, ThinkingDelta):
            if isinstance(last, _ThinkingRun):
                last.add(event)
            else:
                self._pending.append(_ThinkingRun(event))
        elif type(event) is type(last):
            self._pending[-1] = event
        else:
            self._pending.append(event)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._schedule_delivery)
        except RuntimeError:  # the loop is closed: nobody will ever read this
            self.is_cancelled = True

    def _schedule_delivery(self) -> None:
        remaining_s = self._delivered_s + DELIVERY_INTERVAL_S - time.monotonic()
        if remaining_s > 0 and not self._is_ended:
            self._loop.call_later(remaining_s, self._ready.set)
        else:
            self._ready.set()


class _TextRun:
    """Consecutive text deltas, joined only when they are delivered."""

    __slots__ = ("logprobs", "parts", "token_count")

    def __init__(self, first: TextDelta) -> None:
        self.parts: list[str] = [first.text]
        self.token_count = first.token_count
        self.logprobs: list[TokenLogprob] = list(first.logprobs)

    def add(self, delta: TextDelta) -> None:
        self.parts.append(delta.text)
        self.token_count += delta.token_count
        self.logprobs.extend(delta.logprobs)

    def delta(self) -> TextDelta:
        return TextDelta("".join(self.parts), self.token_count, tuple(self.logprobs))


class _ThinkingRun:
    """Consecutive thinking deltas, joined only when they are delivered."""

    __slots__ = ("parts", "token_count")

    def __init__(self, first: ThinkingDelta) -> None:
        self.parts: list[str] = [first.text]
        self.token_count = first.token_count

    def add(self, delta: ThinkingDelta) -> None:
        self.parts.append(delta.text)
        self.token_count += delta.token_count

    def delta(self) -> ThinkingDelta:
        return ThinkingDelta("".join(self.parts), self.token_count)
