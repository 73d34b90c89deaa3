"""Intake: turns requests into jobs on lanes: checks and tokenises prompts, prepares images, hands results back."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from engine.backends.base import EmbeddingModel, LoadedModel, LoadProgress, TextModel, VisionModel
from engine.errors import CapabilityError, InvalidRequestError
from engine.memory.residency import Lease
from engine.scheduling.asks import Ask, ask_of
from engine.scheduling.bringing import Bringer, Fail
from engine.scheduling.image_gate import ImageGate
from engine.scheduling.job import JobClock, Journey, settle
from engine.scheduling.jobs import EmbedJob, GenerateJob, RecognizeJob
from engine.scheduling.lanes import Lanes
from engine.stream import OutputStream
from engine.types import (
    EmbedRequest,
    EmbedResult,
    GenerateRequest,
    Loading,
    ModelInfo,
    RecognizeRequest,
    RecognizeResult,
    SteppedDown,
)

R = TypeVar("R")


class Intake:
    """The way from a request to a job on a lane.

    Every method returns at once; errors arrive where the result would.

    Thread: from any thread. The work is done on the threads of `Bringer`, and on `hearth-finish`.
    """

    def __init__(self, bringer: Bringer, lanes: Lanes) -> None:
        self._bringer = bringer
        self._lanes = lanes
        self._finishing = ThreadPoolExecutor(1, thread_name_prefix="hearth-finish")
        self._gate = ImageGate(lanes.submit)

    def generate(self, request: GenerateRequest, stream: OutputStream, lease: Lease) -> None:
        """Bring a generate request to the lane; its events go to the stream."""
        clock, journey = JobClock(), Journey(lease=lease, ask=ask_of(request))

        def start(loaded: LoadedModel) -> None:
            model = _text_model(loaded)

            def later(work: Callable[[], None]) -> None:
                self._bringer.submit(self._bringer.pool(model), work, stream.fail)

            self._lanes.submit(GenerateJob(model, model.prepare(request), stream, clock, journey, later))

        def progress(fraction: float) -> bool:
            stream.put(Loading(fraction))
            return not stream.is_cancelled and not self._bringer.is_closing

        def tell(event: SteppedDown) -> None:
            journey.step_downs.append(event.sentence)
            stream.put(event)

        self._bringer.bring(request.model, journey, start, stream.fail, clock, progress, tell)

    def recognize(self, request: RecognizeRequest, lease: Lease) -> "Future[RecognizeResult]":
        """Bring an image to the lane."""
        clock, future, journey = JobClock(), Future[RecognizeResult](), Journey(lease=lease, ask=ask_of(request))
        group = (request.model, request.urgency)
        fail = _failing(future)

        def give_up(error: BaseException) -> None:
            fail(error)
            self._gate.give_up(group)

        def start(loaded: LoadedModel) -> None:
            model = _vision_model(loaded, request)

            def later(work: Callable[[], None]) -> None:
                pool = self._bringer.outside if model.asks_outside else self._finishing
                self._bringer.submit(pool, work, fail)

            def prepare() -> None:
                if future.cancelled():
                    self._gate.give_up(group)
                    return
                image = model.prepare(request)
                self._gate.add(group, RecognizeJob(model, request, image, future, clock, journey, later))

            pool = self._bringer.pool(model)
            self._gate.enter(group, future, lambda: self._bringer.submit(pool, prepare, give_up))

        self._gate.expect(group)
        self._bring(request.model, journey, start, give_up, clock, future)
        return future

    def embed(self, request: EmbedRequest, lease: Lease) -> "Future[EmbedResult]":
        """Bring texts to the lane."""
        clock, future, journey = JobClock(), Future[EmbedResult](), Journey(lease=lease, ask=ask_of(request))

        def start(model: LoadedModel) -> None:
            if not isinstance(model, EmbeddingModel):
                raise CapabilityError(f"{model.info.id} does not make embeddings.", "Choose an embedding model.")
            if not request.texts:
                raise InvalidRequestError("There is no text to embed.")
            prepared = replace(request, texts=model.prepare(request))
            self._lanes.submit(EmbedJob(model, prepared, future, clock, journey))

        self._bring(request.model, journey, start, _failing(future), clock, future)
        return future

    def load(self, name: str, lease: Lease, device: str = "") -> "Future[LoadedModel]":
        """Load a model without asking it anything, on this device if one is named."""
        future = Future[LoadedModel]()

        def start(model: LoadedModel) -> None:
            settle(future, model)

        self._bring(name, Journey(lease=lease, ask=Ask(device=device)), start, _failing(future), JobClock(), future)
        return future

    def count_tokens(self, name: str, text: str, lease: Lease) -> "Future[int]":
        """Count the tokens that a text has for a language model, which is loaded if need be."""
        future = Future[int]()

        def start(model: LoadedModel) -> None:
            settle(future, _text_model(model).count_tokens(text))

        self._bring(name, Journey(lease=lease, ask=Ask()), start, _failing(future), JobClock(), future)
        return future

    def context_tokens(self, name: str, lease: Lease) -> "Future[int]":
        """Find out the longest prompt plus answer of a language model, which is loaded if need be."""
        future = Future[int]()

        def start(model: LoadedModel) -> None:
            settle(future, _text_model(model).context_tokens)

        self._bring(name, Journey(lease=lease, ask=Ask()), start, _failing(future), JobClock(), future)
        return future

    def unload(self, info: ModelInfo) -> "Future[bool]":
        """Let a model go; the result says whether it was loaded."""
        return self._bringer.unload(info)

    def close(self) -> None:
        """Stop finishing results, and wait until the thread has ended; the bringer is closed before."""
        self._finishing.shutdown(wait=True, cancel_futures=True)

    def _bring(
        self,
        name: str,
        journey: Journey,
        start: Callable[[LoadedModel], None],
        fail: Fail,
        clock: JobClock,
        future: "Future[R]",
    ) -> None:
        def tell(event: SteppedDown) -> None:
            journey.step_downs.append(event.sentence)

        progress: LoadProgress = lambda _fraction: not future.cancelled() and not self._bringer.is_closing  # noqa: E731
        self._bringer.bring(name, journey, start, fail, clock, progress, tell)


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
