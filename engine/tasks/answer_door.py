"""AnswerDoor: the part of the engine's door that answers: texts, images, vectors, from the cache or computed."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, aclosing
from typing import TYPE_CHECKING, TypeVar

from engine.types import EmbedRequest, EmbedResult, Event, GenerateRequest, RecognizeRequest, RecognizeResult

if TYPE_CHECKING:
    from engine.scheduling.opening import Works
    from engine.tasks.answers import AnswerCache

T = TypeVar("T")


class AnswerDoor(ABC):
    """What answers add to the door; `Engine` is one. Thread: the event loop's."""

    @abstractmethod
    def _answers(self) -> "AnswerCache":
        """The cache of answers; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _works(self) -> "Works":
        """What computes answers; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _failing_with(self, fail: Callable[[BaseException], None]) -> AbstractContextManager[None]:
        """Call `fail` if the engine is closed meanwhile."""

    @abstractmethod
    async def _outcome(self, future: "Future[T]") -> T:
        """Wait for a future of another thread; cancelling the wait cancels the work."""

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        """Answer a prompt; close the generator (`contextlib.aclosing`) to stop within one step.

        Yields:
            `Queued`, `Loading` and `Prefill` while it prepares, `TextDelta` while it writes, `Finished` at the end.

        Raises:
            EngineError: any of the tree; the answer so far has been yielded.
        """
        answers = self._answers()
        served = answers.serves(request)
        async with aclosing(answers.generate(request, self._compute) if served else self._compute(request)) as events:
            async for event in events:
                yield event

    async def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """Say what is in an image; images asked for at the same time run as one batch.

        Raises:
            EngineError: any of the tree.
        """
        answers = self._answers()
        return await (answers.recognize(request, self._see) if answers.serves(request) else self._see(request))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Turn texts into vectors.

        Raises:
            EngineError: any of the tree.
        """
        answers = self._answers()
        return await (answers.embed(request, self._embed) if answers.serves(request) else self._embed(request))

    async def _compute(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        works = self._works()
        with works.residency.lease() as lease:
            stream = works.intake.generate(request, asyncio.get_running_loop(), lease)
            with self._failing_with(stream.fail):
                try:
                    async with aclosing(stream.events()) as events:
                        async for event in events:
                            yield event
                finally:
                    stream.cancel()

    async def _see(self, request: RecognizeRequest) -> RecognizeResult:
        works = self._works()
        with works.residency.lease() as lease:
            return await self._outcome(works.intake.recognize(request, lease))

    async def _embed(self, request: EmbedRequest) -> EmbedResult:
        works = self._works()
        with works.residency.lease() as lease:
            return await self._outcome(works.intake.embed(request, lease))
