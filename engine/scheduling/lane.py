"""Lane: one thread per device, the only caller of the models that live there."""

import logging
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from engine.backends.base import EmbeddingModel, LoadedModel, TextModel, VisionModel
from engine.errors import EngineClosedError, EngineError, ModelError
from engine.scheduling.jobs import GenerateJob, Job
from engine.scheduling.queue import FifoQueue, ModelWork, WorkQueue
from engine.scheduling.steps import SHARED_PREFILL_S, PrefillRate, embed_step, text_step, vision_step
from engine.scheduling.threads import ThreadGovernor
from engine.types import Placement

log = logging.getLogger(__name__)

RATE_WINDOW_S = 1.0
"""Tokens per second are averaged over this."""


@dataclass(frozen=True, slots=True)
class LaneSnapshot:
    """What a lane is doing.

    Attributes:
        waiting: jobs not yet started.
        running: jobs started and not ended.
        running_by_model: jobs started and not ended, by `id()` of the loaded model.
        threads: CPU threads it uses.
        threads_reason: why that many.
    """

    waiting: int
    running: int
    running_by_model: dict[int, int]
    threads: int
    threads_reason: str


class Lane:
    """Runs steps, one at a time, in the order that its queue says.

    Thread: `submit`, `retire`, `snapshot` and `close` from any thread; everything else on the lane's own thread.
    """

    def __init__(
        self,
        name: str,
        governor: ThreadGovernor,
        prefill_chunk_tokens: int,
        on_model_failed: Callable[[LoadedModel], None],
        work: WorkQueue | None = None,
    ) -> None:
        """Make a lane and start its thread.

        Args:
            name: of the device: `cpu`, `gpu:0`, ...
            governor: chooses the number of CPU threads.
            prefill_chunk_tokens: most prompt tokens per step.
            on_model_failed: told, on the lane's thread, about a model that broke and was closed.
            work: the queue to ask; first in, first out if not given.
        """
        self.name = name
        self._governor = governor
        self._prefill_chunk_tokens = prefill_chunk_tokens
        self._on_model_failed = on_model_failed
        self._queue: WorkQueue = work if work is not None else FifoQueue()
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._rates: dict[int, PrefillRate] = {}
        self._closed: weakref.WeakSet[LoadedModel] = weakref.WeakSet()
        self._is_closing = False
        self._produced: deque[tuple[float, int]] = deque()  # guarded by _produced_lock
        self._produced_lock = threading.Lock()
        self._snapshot = self._take_snapshot()
        self._thread = threading.Thread(target=self._run, name=f"hearth-lane-{name}", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------------- from any thread

    def submit(self, job: Job) -> None:
        """Hand over a job; it is failed with `EngineClosedError` if the lane closes first."""
        self._inbox.put(lambda: self._add(job))

    def retire(self, model: LoadedModel, on_closed: Callable[[], None]) -> None:
        """Fail what is left of a model's jobs, close it, and call back on the lane's thread."""
        self._inbox.put(lambda: self._retire(model, on_closed))

    def snapshot(self) -> LaneSnapshot:
        """Return the state after the latest step."""
        return self._snapshot

    def tokens_per_s(self) -> float:
        """Output tokens per second over the last second."""
        horizon = time.monotonic() - RATE_WINDOW_S
        with self._produced_lock:
            return sum(count for at_s, count in self._produced if at_s >= horizon) / RATE_WINDOW_S

    def close(self) -> None:
        """Fail all jobs and end the thread; returns at once, `join` waits. Models are left open: they have owners."""
        self._inbox.put(None)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the thread to end; return whether it has."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -------------------------------------------------------------------------------------- on the lane's thread

    def _run(self) -> None:
        while not self._is_closing:
            self._read_inbox()
            if not self._is_closing:
                self._turn()
        while not self._inbox.empty():  # what came behind the closing message
            if (message := self._inbox.get()) is not None:
                message()
        for work in self._queue.models():
            self._release(work.model, EngineClosedError("The engine was closed."))

    def _read_inbox(self) -> None:
        """Carry out what others asked for; sleep while there is neither a message nor work."""
        must_wait = not self._queue.waiting and not self._queue.running
        if must_wait:
            self._snapshot = self._take_snapshot()
        while must_wait or not self._inbox.empty():
            message = self._inbox.get()
            if message is None:
                self._is_closing = True
                return
            message()
            must_wait = False

    def _turn(self) -> None:
        for job in self._queue.prune():
            self._forget(job)
        work = self._queue.pick()
        if work is None:
            return
        choice = self._governor.update()
        model = work.model
        try:
            model.set_threads(choice.threads)
            self._step(work, model)
        except EngineError as error:
            log.warning("%s failed: %s", model.info.id, error)
            self._break(model, error)
        except Exception as error:
            log.exception("%s failed inside", model.info.id)
            cause = f"The model {model.info.id} failed inside: {error}."
            self._break(model, ModelError(cause, "Load it again; if it happens again, the log says more."))
        if self._queue.waiting != self._snapshot.waiting:
            self._queue.tell_positions()
        self._snapshot = self._take_snapshot()

    def _step(self, work: ModelWork, model: LoadedModel) -> None:
        choice = self._governor.choice
        placement = Placement(
            device=model.device, backend=model.backend, threads=choice.threads, reason=f"{choice.reason}."
        )
        if isinstance(model, TextModel):
            rate = self._rates.setdefault(id(model), PrefillRate())
            step = text_step(work, model, self._prefill_budget(work, rate), rate, placement)
            if step.tokens:
                self._count(step.tokens)
            if step.decode_s:
                self._governor.note((id(model), step.tokens), step.decode_s)
        elif isinstance(model, VisionModel):
            vision_step(work, model, placement)
        elif isinstance(model, EmbeddingModel):
            embed_step(work, model, placement)

    def _prefill_budget(self, work: ModelWork, rate: PrefillRate) -> int:
        """A whole chunk when nobody waits for the next token, else as much as a short pause allows."""
        others_flow = any(
            isinstance(job, GenerateJob) and job.sequence is not None and not job.sequence.is_prefilling
            for other in self._queue.models()
            for job in other.running
        )
        if not others_flow and len(self._queue.models()) == 1:
            return self._prefill_chunk_tokens
        return rate.tokens_within(SHARED_PREFILL_S, self._prefill_chunk_tokens)

    def _add(self, job: Job) -> None:
        if job.model in self._closed:  # it broke while the request was on its way
            job.fail(ModelError(f"{job.model.info.id} is not loaded any more.", "Ask again to load it anew."))
            return
        self._queue.add(job)
        self._queue.tell_positions()

    def _forget(self, job: Job) -> None:
        if isinstance(job, GenerateJob) and job.sequence is not None:
            job.model.release(job.sequence)

    def _release(self, model: LoadedModel, error: EngineError) -> None:
        for job in self._queue.drop(model):
            self._forget(job)
            job.fail(error)

    def _break(self, model: LoadedModel, error: EngineError) -> None:
        for job in self._queue.drop(model):
            job.fail(error)
        self._closed.add(model)
        self._rates.pop(id(model), None)
        model.close()
        self._on_model_failed(model)

    def _retire(self, model: LoadedModel, on_closed: Callable[[], None]) -> None:
        self._release(model, ModelError(f"{model.info.id} was unloaded."))
        self._closed.add(model)
        self._rates.pop(id(model), None)
        model.close()
        on_closed()

    def _count(self, tokens: int) -> None:
        now = time.monotonic()
        with self._produced_lock:
            self._produced.append((now, tokens))
            while self._produced[0][0] < now - RATE_WINDOW_S:
                self._produced.popleft()

    def _take_snapshot(self) -> LaneSnapshot:
        choice = self._governor.choice
        return LaneSnapshot(
            waiting=self._queue.waiting,
            running=self._queue.running,
            running_by_model={id(work.model): len(work.running) for work in self._queue.models()},
            threads=choice.threads,
            threads_reason=choice.reason,
        )
