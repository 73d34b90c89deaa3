"""AnswerCache: between the door and the queue: takes what is known, computes what is not, once for all who ask."""

import hashlib
import os
import stat
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.caching import CacheTierInfo
from engine.memory.answers.key import image_key, text_key
from engine.memory.answers.policy import keeps, takes, uses_cache
from engine.memory.answers.store import AnswerStore
from engine.memory.answers.values import Kept, KeptImage, KeptText, kept_image, kept_text
from engine.scheduling.tickets import label_of
from engine.tasks.answer_desk import AnswerDesk, Found, Slot
from engine.tasks.clerk import Clerk
from engine.tasks.flight import Flight, SharedResult
from engine.tasks.grounds import Grounds
from engine.tasks.replay import replay
from engine.tasks.vectors import Embed, VectorCache
from engine.types import (
    EmbedRequest,
    EmbedResult,
    Event,
    Finished,
    GenerateRequest,
    GenerateResult,
    RecognizeRequest,
    RecognizeResult,
)

Compute = Callable[[GenerateRequest], AsyncGenerator[Event]]
See = Callable[[RecognizeRequest], Awaitable[RecognizeResult]]

MOST_IMAGE_BYTES: Final = 256 << 20
"""A larger file is not read twice."""

_OPEN_AFTER_S: Final = 5.0
"""Until a window has been painted and may have answered: importing and opening a database takes a tenth of a second. A
request that needs it earlier opens it."""

_Stamp = tuple[int, int, int, int]  # size, time of change in ns, inode, when the system noted a change


@dataclass(frozen=True, slots=True)
class _LookedText:
    key: bytes
    found: Found[KeptText] | None


@dataclass(frozen=True, slots=True)
class _LookedImage:
    key: bytes
    found: Found[KeptImage] | None
    stamp: _Stamp | None  # of the file; None for bytes


class AnswerCache:
    """The cache of answers, as the door uses it.

    Thread: the event loop's, but for `end`, which any other calls.

    Attributes:
        desk: counts what was found.
    """

    def __init__(self, store: AnswerStore, grounds: Grounds, clerk: Clerk | None = None) -> None:
        """Make one; nothing is opened yet.

        Args:
            store: keeps the answers; used on the clerk's thread only.
            grounds: says what they rest on; used there only.
            clerk: the thread.
        """
        self.desk = AnswerDesk(store, grounds, clerk if clerk is not None else Clerk())
        self._flights: dict[Slot, Flight] = {}
        self._images: dict[Slot, SharedResult[RecognizeResult]] = {}
        self._vectors = VectorCache(self.desk)
        self._opening = threading.Timer(_OPEN_AFTER_S, lambda: self.desk.clerk.tell(self.desk.store.open))
        self._opening.name, self._opening.daemon = "hearth-cache-opening", True

    def open(self) -> None:
        """Let the disk be opened in a while, so that neither a start nor a later request waits for that."""
        if self.disk_info().limit_bytes:
            self._opening.start()

    async def close(self) -> None:
        """Wait for what is being computed, which fails now; the thread goes on until `end`."""
        await self.desk.close()

    def end(self) -> None:
        """Keep what is still to be kept, and end the thread; waits for it."""
        self._opening.cancel()
        self.desk.clerk.close(self.desk.store.close)

    def memory_info(self) -> CacheTierInfo:
        """The answers in memory."""
        return self.desk.store.memory_info()

    def disk_info(self) -> CacheTierInfo:
        """The answers on disk, as they were last seen."""
        return self.desk.store.disk_info()

    async def clear(self) -> None:
        """Forget all answers, here and in other processes with the same folder."""
        await self.desk.clerk.do(self.desk.store.clear)

    def set_limits(self, memory_bytes: int, disk_bytes: int) -> None:
        """Take no more than this from now on; the disk is made to keep to it in a moment."""
        self.desk.store.set_limits(memory_bytes, disk_bytes)
        self.desk.clerk.tell(self.desk.store.fit)

    def serves(self, request: GenerateRequest | RecognizeRequest | EmbedRequest) -> bool:
        """Whether a request has anything to do with the cache, as far as one can say without looking anything up."""
        if not self.desk.store.is_on:
            return False
        if not isinstance(request, GenerateRequest):
            return uses_cache(request.cache)
        if request.sampling is not None:
            return uses_cache(request.cache, (request.sampling,))
        return uses_cache(request.cache, self.desk.grounds.recommended(request.model) or ())

    async def generate(self, request: GenerateRequest, compute: Compute) -> AsyncGenerator[Event]:
        """Answer a request.

        Args:
            request: what is asked.
            compute: answers it without the cache.

        Raises:
            EngineError: any of the tree.
        """
        label_of(request)  # what is wrong with it is wrong with a hit as well
        looked = await self.desk.look(lambda: self._look_for_text(request))
        if looked is None:
            events = compute(request)
        elif (found := looked.found) is not None:
            self.desk.count(request.cache, found.cached.saved_s, is_hit=True)
            events = replay(replace(found.kept.result, cached=found.cached))
        else:
            self.desk.count(request.cache, 0.0, is_hit=False)
            events = self._fly(looked.key, request, compute)
        async with aclosing(events):
            async for event in events:
                yield event

    async def recognize(self, request: RecognizeRequest, see: See) -> RecognizeResult:
        """Say what is in an image.

        Args:
            request: what is asked.
            see: answers it without the cache.

        Raises:
            EngineError: any of the tree.
        """
        label_of(request)
        looked = await self.desk.look(lambda: self._look_for_image(request))
        if looked is None:
            return await see(request)
        if (found := looked.found) is not None:
            self.desk.count(request.cache, found.cached.saved_s, is_hit=True)
            return replace(found.kept.result, cached=found.cached)
        self.desk.count(request.cache, 0.0, is_hit=False)

        async def work() -> RecognizeResult:
            self.desk.check_open()
            result = await see(request)
            if keeps(result.placement):
                self.desk.keep(lambda: _unless_changed(request.image, looked, result))
            return result

        slot = (looked.key, request.urgency, request.level)
        result, has_joined = await self.desk.share(self._images, slot, request.cache, work)
        return replace(result, cached=self.desk.joined(result.timings.total_s)) if has_joined else result

    async def embed(self, request: EmbedRequest, embed: Embed) -> EmbedResult:
        """Turn texts into vectors.

        Args:
            request: what is asked.
            embed: computes those that are missing.

        Raises:
            EngineError: any of the tree.
        """
        label_of(request)
        return await self._vectors.embed(request, embed)

    async def _fly(self, key: bytes, request: GenerateRequest, compute: Compute) -> AsyncGenerator[Event]:
        """Compute an answer, or read along with an equal request."""
        slot = (key, request.urgency, request.level)
        flight = self._flights.get(slot) if takes(request.cache) else None
        has_joined = flight is not None
        if flight is None:

            def keep(result: GenerateResult) -> None:
                if keeps(result.placement):
                    self.desk.keep(lambda: {key: kept_text(result)})

            def leave() -> None:
                if self._flights.get(slot) is made:
                    del self._flights[slot]

            made = flight = self._flights[slot] = Flight(self._computed(request, compute), keep, leave)
            self.desk.watch(made.task)
        async with aclosing(flight.events()) as events:
            async for event in events:
                if has_joined and isinstance(event, Finished):
                    result = event.result
                    yield Finished(replace(result, cached=self.desk.joined(result.timings.total_s)))
                else:
                    yield event

    async def _computed(self, request: GenerateRequest, compute: Compute) -> AsyncGenerator[Event]:
        self.desk.check_open()  # a flight begins a moment after it was asked for
        async with aclosing(compute(request)) as events:
            async for event in events:
                yield event

    def _look_for_text(self, request: GenerateRequest) -> _LookedText | None:
        ground = self.desk.grounds.of(request.model)
        if not uses_cache(request.cache, ground.samplings(request)):
            return None
        key = text_key(ground, request)
        return _LookedText(key, self.desk.find(key, KeptText) if takes(request.cache) else None)

    def _look_for_image(self, request: RecognizeRequest) -> _LookedImage:
        ground = self.desk.grounds.of(request.model)
        image, stamp = _digest_of(request.image)
        key = image_key(ground, request, image)
        return _LookedImage(key, self.desk.find(key, KeptImage) if takes(request.cache) else None, stamp)


def _digest_of(image: Path | bytes) -> tuple[bytes, _Stamp | None]:
    """Digest of an image's file, and what tells whether it is still the same.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no file that could be read again, or a very large one.
    """
    if not isinstance(image, Path):
        return hashlib.sha256(image).digest(), None
    if not stat.S_ISREG(os.stat(image).st_mode):  # opening a pipe would wait for somebody to write into it
        raise ValueError("it is no file")
    with image.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_IMAGE_BYTES:
            raise ValueError("it is not read twice")
        return hashlib.file_digest(file, "sha256").digest(), _stamp(status)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _unless_changed(image: Path | bytes, looked: _LookedImage, result: RecognizeResult) -> Mapping[bytes, Kept]:
    """What to keep: nothing if the file has changed since its digest was taken.

    Raises:
        OSError: it has gone.
    """
    if isinstance(image, Path) and _stamp(os.stat(image)) != looked.stamp:
        return {}
    return {looked.key: kept_image(result)}
