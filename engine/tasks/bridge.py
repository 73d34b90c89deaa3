"""DoorModels: the engine's door as a task sees it, from a thread that may wait."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Literal, Protocol, TypeVar

from engine.errors import EngineError, PluginError, TaskCancelledError
from engine.plugins.contract.tasks import OnText
from engine.types import (
    Accepts,
    EmbedRequest,
    EmbedResult,
    Event,
    Finished,
    GenerateRequest,
    GenerateResult,
    ModelInfo,
    RecognizeRequest,
    RecognizeResult,
    TextDelta,
    Urgency,
)

T = TypeVar("T")

MOST_AT_ONCE: Final = 32
"""Answers of one task that are asked for at the same time; whoever else asks waits behind no more than these."""


class Door(Protocol):
    """What tasks need of the engine."""

    def models(self) -> tuple[ModelInfo, ...]:
        """All models on disk."""

    async def context_tokens(self, model: str) -> int:
        """Longest prompt plus answer of one request to a model."""

    async def count_tokens(self, model: str, text: str) -> int:
        """Number of tokens of a text."""

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        """Answer a prompt."""

    async def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """Say what is in an image."""

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Turn texts into vectors."""


class Cancellation:
    """Whether a task is cancelled, and what to cancel with it.

    Thread: any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_set = False  # guarded by _lock
        self._waiting: set[Future[object]] = set()  # guarded by _lock

    def set(self) -> None:
        """Cancel the task, and every request it waits for."""
        with self._lock:
            self._is_set = True
            waiting = list(self._waiting)
        for future in waiting:
            future.cancel()

    def check(self) -> None:
        """Do nothing, unless the task is cancelled.

        Raises:
            TaskCancelledError: it is.
        """
        if self._is_set:
            raise TaskCancelledError

    def follow(self, future: "Future[T]") -> None:
        """Cancel this with the task; at once, if the task is cancelled already."""
        with self._lock:
            self._waiting.add(future)  # type: ignore[arg-type]  # a set of futures of anything
            future.add_done_callback(self._waiting.discard)
            is_late = self._is_set
        if is_late:
            future.cancel()


class DoorModels:
    """The models, for one run of a task.

    Thread: any but the loop's.
    """

    def __init__(
        self,
        door: Door,
        loop: asyncio.AbstractEventLoop,
        cancellation: Cancellation,
        urgency: Urgency,
        client: str = "",
    ) -> None:
        """Make it.

        Args:
            door: of the engine.
            loop: where the door is asked.
            cancellation: ends what is asked.
            urgency: of every request.
            client: who asks, whatever the task says.
        """
        self._door = door
        self._client = client
        self._loop = loop
        self._cancellation = cancellation
        self._urgency = urgency
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    def available(self, accepts: Accepts | None = None) -> tuple[ModelInfo, ...]:
        """Models on disk, those only that take this form of request."""
        self._cancellation.check()
        return tuple(info for info in self._door.models() if accepts is None or accepts in info.accepts)

    def count_tokens(self, model: str, text: str) -> int:
        """Number of tokens that a text has for a model; loads the model if it must."""
        return self._wait(self._door.count_tokens(model, text))

    def context_tokens(self, model: str) -> int:
        """Longest prompt plus answer that one request to a model may have."""
        return self._wait(self._door.context_tokens(model))

    def generate(self, request: GenerateRequest, on_text: Callable[[str], None] | None = None) -> GenerateResult:
        """Answer one request; `on_text` gets the answer, on this thread, while it is being written."""
        [outcome] = self.generate_all([request], None if on_text is None else lambda _index, text: on_text(text))
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    def generate_all(
        self, requests: Sequence[GenerateRequest], on_text: OnText | None = None
    ) -> list[GenerateResult | EngineError]:
        """Answer several requests at once; `on_text` is called on this thread."""
        inbox: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        tell = None if on_text is None else inbox.put

        async def answer_all() -> list[GenerateResult | EngineError]:
            answers = (self._answer(index, request, tell) for index, request in enumerate(requests))
            return list(await asyncio.gather(*answers))

        def read() -> None:
            while (item := inbox.get()) is not None:
                if on_text is not None:
                    on_text(*item)

        return self._wait(answer_all(), meanwhile=read, wake=lambda: inbox.put(None))

    def recognize(self, request: RecognizeRequest) -> RecognizeResult:
        """Say what is in an image."""
        return self._wait(self._door.recognize(replace(request, urgency=self._urgency, client=self._client)))

    def embed(
        self, model: str, texts: Sequence[str], purpose: Literal["document", "query"] = "document"
    ) -> EmbedResult:
        """Turn texts into vectors."""
        request = EmbedRequest(
            model=model, texts=tuple(texts), purpose=purpose, urgency=self._urgency, client=self._client
        )
        return self._wait(self._door.embed(request))

    async def _answer(
        self, index: int, request: GenerateRequest, tell: Callable[[tuple[int, str]], None] | None
    ) -> GenerateResult | EngineError:
        result: GenerateResult | EngineError | None = None
        try:
            asked = replace(request, urgency=self._urgency, client=self._client)
            async with self._turns, aclosing(self._door.generate(asked)) as events:
                async for event in events:
                    if isinstance(event, TextDelta) and tell is not None and event.text:
                        tell((index, event.text))
                    elif isinstance(event, Finished):
                        result = event.result
        except EngineError as error:
            result = error
        assert result is not None  # the stream ends with Finished, or raises
        return result

    def _wait(
        self,
        work: Coroutine[object, object, T],
        meanwhile: Callable[[], None] = lambda: None,
        wake: Callable[[], None] = lambda: None,
    ) -> T:
        """Run a coroutine on the loop and wait for it; `meanwhile` reads until `wake` has been called."""
        try:
            self._cancellation.check()
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except BaseException:
            work.close()
            raise
        self._cancellation.follow(future)
        future.add_done_callback(lambda _future: wake())
        try:
            meanwhile()
            return future.result()
        except CancelledError as error:
            raise TaskCancelledError from error
        finally:
            future.cancel()


class NoModels:
    """What a task gets whose plugin may not ask the models: every call says so."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin

    def __getattr__(self, name: str) -> object:
        raise PluginError(
            self._plugin,
            f"The plugin {self._plugin} may not ask the models.",
            "Its plugin.toml has to ask for the permission `models`.",
        )
