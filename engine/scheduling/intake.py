"""Intake: turns requests into jobs in the queue: checks and tokenises prompts, prepares images, hands results back."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from engine.backends.base import EmbeddingModel, LoadedModel, TextModel, VisionModel
from engine.errors import CapabilityError, InvalidRequestError, RequestCancelledError
from engine.memory.residency import Lease, place_of
from engine.queueing import Outcome
from engine.scheduling.bringing import Bringer
from engine.scheduling.image_gate import ImageGate
from engine.scheduling.job import Fail, JobClock, settle
from engine.scheduling.jobs import EmbedJob, GenerateJob, RecognizeJob
from engine.scheduling.load_queue import LoadQueue
from engine.scheduling.speeds import NoteSpeed, note_answer, note_image, with_sampling
from engine.scheduling.tickets import Label, Request, Start, Ticket, journey_for, label_of, outcome_of
from engine.stream import OutputStream, StreamCancelled
from engine.types import EmbedRequest, EmbedResult, Event, GenerateRequest, ModelInfo, RecognizeRequest, RecognizeResult

R = TypeVar("R")


class Intake:
    """The way from a request to a job in the queue.

    Every method returns at once; errors arrive where the result would.

    Thread: from any thread. The work is done on the threads of `Bringer`, and on `hearth-finish`.
    """

    def __init__(
        self,
        bringer: Bringer,
        queue: LoadQueue,
        next_number: Callable[[], int],
        note_speed: NoteSpeed = lambda _path, _rate, _device: None,
    ) -> None:
        """Make it.

        Args:
            bringer: brings requests to their models.
            queue: where they wait.
            next_number: gives each its number.
            note_speed: told how fast a model was, when a request has ended.
        """
        self._note_speed = note_speed
        self._bringer = bringer
        self._queue = queue
        self._next_number = next_number
        self._finishing = ThreadPoolExecutor(1, thread_name_prefix="hearth-finish")
        self._gate = ImageGate(lambda job: queue.ready(job.ticket, job))

    def generate(self, request: GenerateRequest, loop: asyncio.AbstractEventLoop, lease: Lease) -> OutputStream:
        """Bring a generate request to the queue; return the stream of its events.

        Raises:
            InvalidRequestError: its level or deadline makes no sense.
        """

        def on_end(error: BaseException | None) -> None:
            if error is None:
                note_answer(ticket, self._note_speed)
                self._queue.end(ticket, Outcome.DONE)
            elif isinstance(error, StreamCancelled | RequestCancelledError):
                self._queue.end(ticket, Outcome.CANCELLED)
            else:
                self._queue.end(ticket, Outcome.FAILED, str(error))

        stream = OutputStream(loop, on_end)

        def start(loaded: LoadedModel) -> None:
            model = _text_model(loaded)

            def later(work: Callable[[], None]) -> None:
                self._bringer.submit(self._bringer.pool(model), work, stream.fail)

            prompt = model.prepare(with_sampling(request, ticket.way.info))
            job = GenerateJob(ticket, model, prompt, stream, later)
            self._queue.ready(ticket, job)

        ticket = self._ticket(request, lease, start, stream.fail, lambda: stream.is_cancelled, stream.put)
        self._bringer.bring(ticket)
        return stream

    def recognize(self, request: RecognizeRequest, lease: Lease) -> "Future[RecognizeResult]":
        """Bring an image to the queue.

        Raises:
            InvalidRequestError: its level or deadline makes no sense.
        """
        future = Future[RecognizeResult]()
        group = (request.model, request.urgency, request.client)
        fail = _failing(future)

        def give_up(error: BaseException) -> None:
            fail(error)
            self._gate.give_up(group)

        announced = threading.Lock()  # taken once: by the gate, or by the end if that comes first

        def forget(_: object) -> None:
            if announced.acquire(blocking=False):
                self._gate.give_up(group)

        def start(loaded: LoadedModel) -> None:
            model = _vision_model(loaded, request)
            if not announced.acquire(blocking=False):
                return

            def later(work: Callable[[], None]) -> None:
                pool = self._bringer.outside if model.asks_outside else self._finishing
                self._bringer.submit(pool, work, fail)

            def prepare() -> None:
                if future.done():
                    self._gate.give_up(group)
                    return
                image = model.prepare(request)
                self._gate.add(group, RecognizeJob(ticket, model, request, image, future, later))

            pool = self._bringer.pool(model)
            self._gate.enter(group, future, lambda: self._bringer.submit(pool, prepare, give_up))

        ticket = self._ticket(request, lease, start, fail, future.done)
        self._gate.expect(group)
        future.add_done_callback(forget)
        future.add_done_callback(lambda done: note_image(ticket, done, self._note_speed))
        self._bring(ticket, future)
        return future

    def embed(self, request: EmbedRequest, lease: Lease) -> "Future[EmbedResult]":
        """Bring texts to the queue.

        Raises:
            InvalidRequestError: its level or deadline makes no sense.
        """
        future = Future[EmbedResult]()

        def start(model: LoadedModel) -> None:
            if not isinstance(model, EmbeddingModel):
                raise CapabilityError(f"{model.info.id} does not make embeddings.", "Choose an embedding model.")
            if not request.texts:
                raise InvalidRequestError("There is no text to embed.")
            prepared = replace(request, texts=model.prepare(request))
            self._queue.ready(ticket, EmbedJob(ticket, model, prepared, future))

        ticket = self._ticket(request, lease, start, _failing(future), future.done)
        self._bring(ticket, future)
        return future

    def load(self, name: str, lease: Lease, device: str = "") -> "Future[LoadedModel]":
        """Load a model without asking it anything, on this device if one is named."""
        return self._visit(name, lease, lambda model: model, device)

    def count_tokens(self, name: str, text: str, lease: Lease) -> "Future[int]":
        """Count the tokens that a text has for a language model, which is loaded if need be."""
        return self._visit(name, lease, lambda model: _text_model(model).count_tokens(text))

    def context_tokens(self, name: str, lease: Lease) -> "Future[int]":
        """Find out the longest prompt plus answer of a language model, which is loaded if need be."""
        return self._visit(name, lease, lambda model: _text_model(model).context_tokens)

    def unload(self, info: ModelInfo) -> "Future[bool]":
        """Let a model go; the result says whether it was loaded."""
        return self._bringer.unload(info)

    def close(self) -> None:
        """Stop finishing results, and wait until the thread has ended; the bringer is closed before."""
        self._finishing.shutdown(wait=True, cancel_futures=True)

    def _visit(self, name: str, lease: Lease, ask: Callable[[LoadedModel], R], device: str = "") -> "Future[R]":
        """Ask a model something that takes no step, once it is loaded."""
        future = Future[R]()

        def start(model: LoadedModel) -> Callable[[], None]:
            lease.hold(place_of(ticket.way.info, ticket.way.target))
            answer = ask(model)
            return lambda: settle(future, answer)

        label = Label(form="load", title=f"Load {name}", model=name)
        ticket = Ticket(
            number=self._next_number(),
            label=label,
            clock=JobClock(),
            journey=journey_for(lease, device=device),
            start=start,
            fail=_failing(future),
            is_gone=future.done,
        )
        self._bring(ticket, future)
        return future

    def _ticket(
        self,
        request: Request,
        lease: Lease,
        start: Start,
        fail: Fail,
        is_gone: Callable[[], bool],
        tell: Callable[[Event], None] = lambda _event: None,
    ) -> Ticket:
        return Ticket(
            number=self._next_number(),
            label=label_of(request),
            urgency=request.urgency,
            level=request.level,
            deadline_s=request.deadline_s,
            clock=JobClock(),
            journey=journey_for(lease, request),
            start=start,
            fail=fail,
            is_gone=is_gone,
            tell=tell,
        )

    def _bring(self, ticket: Ticket, future: "Future[R]") -> None:
        future.add_done_callback(lambda done: self._queue.end(ticket, *outcome_of(done)))
        self._bringer.bring(ticket)


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
