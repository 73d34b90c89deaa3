"""Intake: brings a request to its lane: finds the model, loads it if need be, checks and tokenises the prompt.

Threads of three kinds: loading a model takes seconds, and a plugin in a process of its own may take as long as its time
limit; neither may hold up requests for models that are loaded already and have no such plugin.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from engine.backends.base import EmbeddingModel, LoadedModel, LoadProgress, TextModel, VisionModel
from engine.errors import CapabilityError, EngineClosedError, EngineError, InvalidRequestError, ModelError
from engine.memory.residency import Lease, Residency
from engine.models.library import ModelLibrary
from engine.scheduling.image_gate import ImageGate
from engine.scheduling.jobs import EmbedJob, GenerateJob, JobClock, RecognizeJob, settle
from engine.scheduling.lane import Lane
from engine.stream import OutputStream
from engine.types import (
    EmbedRequest,
    EmbedResult,
    GenerateRequest,
    Loading,
    ModelInfo,
    RecognizeRequest,
    RecognizeResult,
)

log = logging.getLogger(__name__)

R = TypeVar("R")
Fail = Callable[[BaseException], None]

OUTSIDE_THREADS = 8
"""Requests that may wait for plugins in other processes at the same time; the others wait for these."""


class Intake:
    """The way from a request to a job on a lane.

    Every method returns at once; errors arrive where the result would.

    Thread: from any thread. The work is done on `hearth-prepare`, `hearth-loader` and `hearth-finish`, and on
    `hearth-outside` where it asks plugins in other processes.
    """

    def __init__(self, library: ModelLibrary, residency: Residency, lane: Lane) -> None:
        self._library = library
        self._residency = residency
        self._lane = lane
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="hearth-prepare")
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="hearth-loader")
        self._outside = ThreadPoolExecutor(OUTSIDE_THREADS, thread_name_prefix="hearth-outside")
        self._finishing = ThreadPoolExecutor(1, thread_name_prefix="hearth-finish")
        self._gate = ImageGate(lane.submit)
        self._is_closing = False

    def generate(self, request: GenerateRequest, stream: OutputStream, lease: Lease) -> None:
        """Bring a generate request to the lane; its events go to the stream."""
        clock = JobClock()

        def start(loaded: LoadedModel) -> None:
            model = _text_model(loaded)

            def later(work: Callable[[], None]) -> None:
                self._submit(self._pool(model), work, stream.fail)

            self._lane.submit(GenerateJob(model, model.prepare(request), stream, clock, later))

        def progress(fraction: float) -> bool:
            stream.put(Loading(fraction))
            return not stream.is_cancelled and not self._is_closing

        self._bring(request.model, start, stream.fail, clock, progress, lease)

    def recognize(self, request: RecognizeRequest, lease: Lease) -> "Future[RecognizeResult]":
        """Bring an image to the lane."""
        clock, future = JobClock(), Future[RecognizeResult]()
        group = (request.model, request.urgency)
        fail = _failing(future)

        def give_up(error: BaseException) -> None:
            fail(error)
            self._gate.give_up(group)

        def start(loaded: LoadedModel) -> None:
            model = _vision_model(loaded, request)

            def later(work: Callable[[], None]) -> None:
                self._submit(self._outside if model.asks_outside else self._finishing, work, fail)

            def prepare() -> None:
                if future.cancelled():
                    self._gate.give_up(group)
                    return
                image = model.prepare(request)
                self._gate.add(group, RecognizeJob(model, request, image, future, clock, later))

            self._gate.enter(group, future, lambda: self._submit(self._pool(model), prepare, give_up))

        self._gate.expect(group)
        self._bring(request.model, start, give_up, clock, self._progress_of(future), lease)
        return future

    def embed(self, request: EmbedRequest, lease: Lease) -> "Future[EmbedResult]":
        """Bring texts to the lane."""
        clock, future = JobClock(), Future[EmbedResult]()

        def start(model: LoadedModel) -> None:
            if not isinstance(model, EmbeddingModel):
                raise CapabilityError(f"{model.info.id} does not make embeddings.", "Choose an embedding model.")
            if not request.texts:
                raise InvalidRequestError("There is no text to embed.")
            self._lane.submit(EmbedJob(model, replace(request, texts=model.prepare(request)), future, clock))

        self._bring(request.model, start, _failing(future), clock, self._progress_of(future), lease)
        return future

    def load(self, name: str, lease: Lease) -> "Future[LoadedModel]":
        """Load a model without asking it anything."""
        future = Future[LoadedModel]()

        def start(model: LoadedModel) -> None:
            settle(future, model)

        self._bring(name, start, _failing(future), JobClock(), self._progress_of(future), lease)
        return future

    def count_tokens(self, name: str, text: str, lease: Lease) -> "Future[int]":
        """Count the tokens that a text has for a language model, which is loaded if need be."""
        future = Future[int]()

        def start(model: LoadedModel) -> None:
            settle(future, _text_model(model).count_tokens(text))

        self._bring(name, start, _failing(future), JobClock(), self._progress_of(future), lease)
        return future

    def context_tokens(self, name: str, lease: Lease) -> "Future[int]":
        """Find out the longest prompt plus answer of a language model, which is loaded if need be."""
        future = Future[int]()

        def start(model: LoadedModel) -> None:
            settle(future, _text_model(model).context_tokens)

        self._bring(name, start, _failing(future), JobClock(), self._progress_of(future), lease)
        return future

    def unload(self, info: ModelInfo) -> "Future[bool]":
        """Let a model go; the result says whether it was loaded."""
        return self._loading.submit(self._residency.unload, info)

    def close(self) -> None:
        """Stop loading and preparing, and wait until all threads have ended."""
        self._is_closing = True
        self._loading.shutdown(wait=True, cancel_futures=True)
        self._preparing.shutdown(wait=True, cancel_futures=True)
        self._outside.shutdown(wait=True, cancel_futures=True)
        self._finishing.shutdown(wait=True, cancel_futures=True)

    def _pool(self, model: LoadedModel) -> ThreadPoolExecutor:
        """Where requests for a model are made ready, and results finished."""
        return self._outside if model.asks_outside else self._preparing

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[[], None], fail: Fail) -> None:
        try:
            pool.submit(_guarded, work, fail)
        except RuntimeError:  # the pool is closed
            fail(EngineClosedError("The engine was closed."))

    def _progress_of(self, future: "Future[R]") -> LoadProgress:
        return lambda _fraction: not future.cancelled() and not self._is_closing

    def _bring(
        self,
        name: str,
        start: Callable[[LoadedModel], None],
        fail: Fail,
        clock: JobClock,
        progress: LoadProgress,
        lease: Lease,
    ) -> None:
        """Find and load a model, then call `start` with it; all errors go to `fail`."""

        def find() -> None:
            info = self._library.find(name)
            lease.hold(info.path)
            if (model := self._residency.get(info.path)) is None:
                progress(0.0)
                self._submit(self._loading, lambda: load(info), fail)
            elif model.asks_outside:
                self._submit(self._outside, lambda: start(model), fail)
            else:
                start(model)

        def load(info: ModelInfo) -> None:
            began_s = time.monotonic()
            model = self._residency.load(info, progress)
            progress(1.0)
            clock.load_s = time.monotonic() - began_s
            self._submit(self._pool(model), lambda: start(model), fail)

        self._submit(self._preparing, find, fail)


def _text_model(model: LoadedModel) -> TextModel:
    if not isinstance(model, TextModel):
        raise CapabilityError(f"{model.info.id} does not generate text.", "Choose a language model.")
    return model


def _vision_model(model: LoadedModel, request: RecognizeRequest) -> VisionModel:
    if not isinstance(model, VisionModel):
        raise CapabilityError(f"{model.info.id} does not recognise images.", "Choose an image model.")
    if request.top_k < 1:
        raise InvalidRequestError(f"top_k is {request.top_k}, but must be at least 1.")
    return model


def _failing(future: "Future[R]") -> Fail:
    return lambda error: settle(future, error)


def _guarded(work: Callable[[], None], fail: Fail) -> None:
    """Run a piece of work on an intake thread; whatever goes wrong reaches the caller."""
    try:
        work()
    except EngineError as error:
        fail(error)
    except Exception as error:
        log.exception("a request failed inside")
        fail(ModelError(f"The request failed inside: {error}.", "The log says more."))
