"""Lane: one thread per device, the only caller of the models that live there."""

import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from engine.backends.base import EmbeddingModel, LoadedModel, TextModel, VisionModel
from engine.errors import EngineClosedError, EngineError, ModelError
from engine.scheduling.core_shares import CoreShares
from engine.scheduling.job import Job
from engine.scheduling.jobs import GenerateJob
from engine.scheduling.meters import LaneMeter
from engine.scheduling.observations import Observations
from engine.scheduling.queue import FifoQueue, ModelWork, WorkQueue
from engine.scheduling.steps import SHARED_PREFILL_S, PrefillRate, embed_step, text_step, vision_step
from engine.scheduling.threads import Governor
from engine.types import Placement

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LaneSnapshot:
    """What a lane is doing.

    Attributes:
        waiting: jobs not yet started.
        running: jobs started and not ended.
        running_by_model: jobs started and not ended, by `id()` of the loaded model.
        threads: CPU threads it uses.
        threads_reason: why that many.
        queued_by_model: jobs not yet started, by `id()` of the loaded model.
        left_by_model: steps until all that runs has ended, by `id()` of the loaded model.
        spent_by_model: seconds that its steps have taken, by `id()` of the loaded model.
    """

    waiting: int
    running: int
    running_by_model: dict[int, int]
    threads: int
    threads_reason: str
    queued_by_model: dict[int, int]
    left_by_model: dict[int, int]
    spent_by_model: dict[int, float]


OnModelFailed = Callable[[LoadedModel, EngineError, list[Job]], None]
"""Told, on the lane's thread, of a model that broke and was closed, and of the jobs it leaves, to end or to move."""


class Lane:
    """Runs steps, one at a time, in the order that its queue says.

    Thread: `submit`, `retire`, `snapshot` and `close` from any thread; everything else on the lane's own thread.
    """

    def __init__(
        self,
        name: str,
        governor: Governor,
        prefill_chunk_tokens: int,
        on_model_failed: OnModelFailed,
        work: WorkQueue | None = None,
        shares: CoreShares | None = None,
        observations: Observations | None = None,
        power_w: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Make a lane and start its thread.

        Args:
            name: of the device: `cpu`, `gpu:0`, ..., or of a part of it.
            governor: chooses the number of CPU threads.
            prefill_chunk_tokens: most prompt tokens per step.
            on_model_failed: told about a model that broke.
            work: the queue to ask; first in, first out if not given.
            shares: which of the processor's cores it may use; all of them if not given.
            observations: learns how fast its models are.
            power_w: watts that its device takes now; None if unknown.
        """
        self.name = name
        self.meter = LaneMeter()
        self._shares = shares if shares is not None else CoreShares(1 << 16)
        self._power_w = power_w
        self._observations = observations if observations is not None else Observations()
        self._governor = governor
        self._prefill_chunk_tokens = prefill_chunk_tokens
        self._on_model_failed = on_model_failed
        self._queue: WorkQueue = work if work is not None else FifoQueue()
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._rates: dict[int, PrefillRate] = {}
        self._spent_s: dict[int, float] = {}
        self._closed: weakref.WeakSet[LoadedModel] = weakref.WeakSet()
        self._is_closing = False
        self._threads, self._threads_reason = governor.choice.threads, governor.choice.reason
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
            self._shares.leave(self.name)
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
        self._shares.enter(self.name)
        self._choose_threads()
        model = work.model
        began_s = time.monotonic()
        try:
            model.set_threads(self._threads)
            self._step(work, model)
            duration_s = time.monotonic() - began_s
            self.meter.note_step(duration_s)
            self._spent_s[id(model)] = self._spent_s.get(id(model), 0.0) + duration_s
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

    def _choose_threads(self) -> None:
        choice = self._governor.update()
        most = self._shares.cores_of(self.name)
        self._threads, self._threads_reason = choice.threads, choice.reason
        if most < choice.threads:
            self._threads = most
            self._threads_reason = f"{most} of {choice.threads} threads: text and images are computed at the same time"

    def _step(self, work: ModelWork, model: LoadedModel) -> None:
        where = model.whereabouts
        placement = Placement(
            device=where.device,
            backend=model.backend,
            threads=self._threads,
            reason=f"{self._threads_reason}.",
            interface=where.interface,
            layers=where.layers,
            total_layers=where.total_layers,
            note=where.note,
        )
        if isinstance(model, TextModel):
            rate = self._rates.setdefault(id(model), PrefillRate())
            step = text_step(work, model, self._prefill_budget(work, rate), rate, placement, self._power_w)
            if step.tokens:
                self.meter.note_tokens(step.tokens)
            if step.decode_s:
                self._governor.note((id(model), step.tokens), step.decode_s)
            self._observations.note_text(model.info.id, model.device, step)
        elif isinstance(model, VisionModel):
            began_s = time.monotonic()
            images = vision_step(work, model, placement, self._power_w)
            self.meter.note_images(images)
            self._observations.note_images(model.info.id, model.device, images, time.monotonic() - began_s)
        elif isinstance(model, EmbeddingModel):
            embed_step(work, model, placement, self._power_w)

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
            gone = ModelError(f"{job.model.info.id} is not loaded any more.", "Ask again to load it anew.")
            self._on_model_failed(job.model, gone, [job])
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
        jobs = self._queue.drop(model)
        self._closed.add(model)
        self._rates.pop(id(model), None)
        self._spent_s.pop(id(model), None)
        model.close()
        self._on_model_failed(model, error, jobs)

    def _retire(self, model: LoadedModel, on_closed: Callable[[], None]) -> None:
        self._release(model, ModelError(f"{model.info.id} was unloaded."))
        self._closed.add(model)
        self._rates.pop(id(model), None)
        self._spent_s.pop(id(model), None)
        model.close()
        on_closed()

    def _take_snapshot(self) -> LaneSnapshot:
        return LaneSnapshot(
            waiting=self._queue.waiting,
            running=self._queue.running,
            running_by_model={id(work.model): len(work.running) for work in self._queue.models()},
            threads=self._threads,
            threads_reason=self._threads_reason,
            queued_by_model={id(work.model): len(work.waiting) for work in self._queue.models()},
            spent_by_model=dict(self._spent_s),
            left_by_model={
                id(work.model): max((job.left for job in work.running), default=0) for work in self._queue.models()
            },
        )
