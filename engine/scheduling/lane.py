"""Lane: one thread per device, the only caller of the models that live there."""

import contextlib
import logging
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.backends.base import LoadedModel
from engine.errors import EngineClosedError, EngineDeadError, EngineError, ModelError, OutOfMemoryError
from engine.requests import Urgency
from engine.scheduling.core_shares import CoreShares
from engine.scheduling.entries import Entry, Need
from engine.scheduling.job import Job
from engine.scheduling.jobs import EmbedJob, GenerateJob, RecognizeJob
from engine.scheduling.lane_queue import NOTHING, Counts, LaneQueue, Progress
from engine.scheduling.learning import Learning
from engine.scheduling.meters import LaneMeter
from engine.scheduling.policy import Turn
from engine.scheduling.queue_state import place_at, ticket_of
from engine.scheduling.steps import (
    ALONE_PREFILL_S,
    SHARED_PREFILL_S,
    PrefillRate,
    embed_step,
    paged_pause_s,
    text_step,
    vision_step,
)
from engine.scheduling.threads import Governor
from engine.scheduling.tickets import Ticket
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
        left_by_model: tokens until all that runs has ended, by `id()` of the loaded model.
        spent_by_model: seconds that its steps have taken, by `id()` of the loaded model.
        latest_model: id of the model whose step was the latest; empty before the first.
    """

    waiting: int
    running: int
    running_by_model: dict[int, int]
    threads: int
    threads_reason: str
    queued_by_model: dict[int, int]
    left_by_model: dict[int, int]
    spent_by_model: dict[int, float]
    latest_model: str = ""


OnModelFailed = Callable[[LoadedModel, EngineError, list[Ticket]], None]
"""Told, on the lane's thread, of a model that broke and was closed, and of the requests that it leaves behind."""

_LOOK_S: Final = 0.05
"""How often a lane looks again whose requests all wait for something else."""
_SNAPSHOT_S: Final = 0.02
"""How often the snapshot is taken anew while nothing begins or ends: a step can be much shorter."""
_URGENT_FIRST: Final = {Urgency.INTERACTIVE: 0, Urgency.NORMAL: 1, Urgency.BATCH: 2}


class Lane:
    """Runs steps, one at a time, in the order that its queue says.

    Thread: `wake`, `retire`, `snapshot` and `close` from any thread; everything else on the lane's own thread.
    """

    def __init__(
        self,
        name: str,
        governor: Governor,
        prefill_chunk_tokens: int,
        requests: LaneQueue,
        on_model_failed: OnModelFailed,
        learning: Learning,
        shares: CoreShares | None = None,
        power_w: Callable[[], float | None] = lambda: None,
        before_close: Callable[[LoadedModel], None] = lambda _model: None,
    ) -> None:
        """Make a lane and start its thread.

        Args:
            name: of the device: `cpu`, `gpu:0`, ..., or of a part of it.
            governor: chooses the number of CPU threads.
            prefill_chunk_tokens: most prompt tokens per step.
            requests: says what to do next.
            on_model_failed: told about a model that broke.
            learning: learns how fast its models are.
            shares: which of the processor's cores it may use; all of them if not given.
            power_w: watts that its device takes now; None if unknown.
            before_close: called before a model leaves, while it can still be asked for what it keeps.
        """
        self.name = name
        self.meter = LaneMeter()
        self._requests = requests
        self._shares = shares if shares is not None else CoreShares(1 << 16)
        self._power_w = power_w
        self._learning = learning
        self._governor = governor
        self._prefill_chunk_tokens = prefill_chunk_tokens
        self._on_model_failed = on_model_failed
        self._before_close = before_close
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._rates: dict[int, PrefillRate] = {}
        self._spent_s: dict[int, float] = {}
        self._closed: weakref.WeakSet[LoadedModel] = weakref.WeakSet()
        self._is_closing = False
        self._latest_model = ""
        self._looked_s = 0.0
        self._threads, self._threads_reason = governor.choice.threads, governor.choice.reason
        # Not asked of the queue, whose lock comes first: whoever makes a lane holds that of the lanes.
        self._snapshot = self._snapshot_of(NOTHING)
        self._thread = threading.Thread(target=self._run, name=f"hearth-lane-{name}", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------------- from any thread

    def wake(self) -> None:
        """Look again what there is to do."""
        if self._inbox.empty():
            self._inbox.put(_nothing)

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
            if not self._try_turn():
                self._rest()
            while not self._inbox.empty() and not self._is_closing:
                self._read(self._inbox.get())
        while not self._inbox.empty():  # what came behind the closing message
            if (message := self._inbox.get()) is not None:
                message()
        for ticket in self._requests.tickets():
            if ticket.job is not None:
                ticket.job.leave()
            ticket.fail(EngineClosedError("The engine was closed."))

    def _rest(self) -> None:
        """Sleep until there is a message; look again now and then while requests wait for something else."""
        self._shares.leave(self.name)
        self._snapshot = self._take_snapshot()
        wait_s = _LOOK_S if self._snapshot.waiting or self._snapshot.running else None
        with contextlib.suppress(queue.Empty):
            self._read(self._inbox.get(timeout=wait_s))

    def _read(self, message: Callable[[], None] | None) -> None:
        if message is None:
            self._is_closing = True
        else:
            message()

    def _try_turn(self) -> bool:
        """Do one step; whatever goes wrong outside of a model ends the requests of this lane, and not the lane."""
        try:
            return self._turn()
        except Exception as error:
            log.exception("the lane %s failed inside", self.name)
            for ticket in self._requests.tickets():
                ticket.fail(EngineDeadError(f"The queue failed inside: {error}.", "Ask again; the log says more."))
            return False

    def _turn(self) -> bool:
        """Do one step; False if there is nothing to do."""
        self._do_chores()
        if (found := self._requests.turn()) is None or found[1] in self._closed:
            return False
        turn, model = found
        self._shares.enter(self.name)
        self._choose_threads()
        self._latest_model = model.info.id
        began_s = time.monotonic()
        try:
            jobs = self._seat(turn)
            if not jobs:
                return bool(turn.suspend)
            model.set_threads(self._threads)
            progress = self._step(jobs)
            duration_s = time.monotonic() - began_s
            self.meter.note_step(duration_s)
            self._spent_s[id(model)] = self._spent_s.get(id(model), 0.0) + duration_s
            self._requests.stepped(turn.need, progress, duration_s)
            over = [one.job for one in progress if one.is_over]
            for job in over:
                job.ticket.lease.let_go(place_at(turn.need))
            if turn.admit or turn.suspend or over:
                self._looked_s = 0.0
        except EngineError as error:
            log.warning("%s failed: %s", model.info.id, error)
            self._break(model, error)
        except Exception as error:
            log.exception("%s failed inside", model.info.id)
            cause = f"The model {model.info.id} failed inside: {error}."
            self._break(model, ModelError(cause, "Load it again; if it happens again, the log says more."))
        if began_s > self._looked_s + _SNAPSHOT_S:
            self._snapshot, self._looked_s = self._take_snapshot(), began_s
        return True

    def _do_chores(self) -> None:
        orphans, fresh = self._requests.chores()
        for job in orphans:
            job.leave()
        for ticket in fresh:
            if ticket.job is not None and ticket.job.model not in self._closed:
                self._requests.know(ticket, ticket.job.known_tokens())

    def _seat(self, turn: Turn) -> list[Job]:
        """Let requests leave and begin as the turn says; return the jobs of the step, the most urgent first."""
        for entry in turn.suspend:
            ticket = ticket_of(entry)
            if ticket.job is not None:
                ticket.job.suspend()
                ticket.lease.let_go(place_at(turn.need))
                ticket.lease.want(place_at(turn.need))
            self._requests.suspend(entry)
        for ticket in self._requests.running():
            if ticket.is_over and ticket.entry is not None and ticket.job is not None:
                ticket.job.leave()
                self._requests.drop(ticket.entry)
        for entry in turn.admit:
            if not self._begin(turn.need, entry):
                break
        resting = {entry.id for entry in turn.rest}
        entries = sorted(turn.need.running.values(), key=lambda one: (_URGENT_FIRST[one.urgency], one.id))
        return [job for one in entries if one.id not in resting and (job := ticket_of(one).job) is not None]

    def _begin(self, need: Need, entry: Entry) -> bool:
        """Give a request its place; False if there is no room for it now."""
        ticket = ticket_of(entry)
        if ticket.is_over or ticket.job is None:
            self._requests.drop(entry)
            return True
        ticket.lease.hold(place_at(need))
        if ticket.job.begin():
            self._requests.begin(entry)
            ticket.clock.start()
            return True
        ticket.lease.let_go(place_at(need))
        ticket.lease.want(place_at(need))
        if need.running:
            self._requests.refuse(need)
            return False
        # Nothing runs and still there is no room: waiting would be for ever.
        self._requests.drop(entry)
        ticket.fail(_too_long(ticket.job))
        return True

    def _choose_threads(self) -> None:
        choice = self._governor.update()
        most = self._shares.cores_of(self.name)
        self._threads, self._threads_reason = choice.threads, choice.reason
        if most < choice.threads:
            self._threads = most
            self._threads_reason = f"{most} of {choice.threads} threads: text and images are computed at the same time"

    def _step(self, jobs: list[Job]) -> Sequence[Progress]:
        # By the kind of the jobs, not of the model: asking whether something is a protocol takes 50 us.
        placement, began_s = self._placement(jobs[0].model), time.monotonic()
        if isinstance(jobs[0], GenerateJob):
            return self._write([job for job in jobs if isinstance(job, GenerateJob)], placement)
        if isinstance(jobs[0], RecognizeJob):
            images, eyes = [job for job in jobs if isinstance(job, RecognizeJob)], jobs[0].model
            progress = vision_step(eyes, images, placement, self._power_w)
            self.meter.note_images(len(images))
            self._learning.images(eyes, len(images), time.monotonic() - began_s)
            return progress
        assert isinstance(jobs[0], EmbedJob)
        progress = embed_step(jobs[0].model, jobs[0], placement, self._power_w)
        self._learning.texts(jobs[0].model, time.monotonic() - began_s)
        return progress

    def _write(self, jobs: list[GenerateJob], placement: Placement) -> Sequence[Progress]:
        model = jobs[0].model
        rate = self._rates.setdefault(id(model), PrefillRate())
        step = text_step(model, jobs, self._prefill_budget(jobs, rate), rate, placement, self._power_w)
        if step.tokens:
            self.meter.note_tokens(step.tokens)
        if step.decode_s:
            self._governor.note((id(model), step.rows), step.decode_s)
        self._learning.text(model, step)
        return step.progress

    def _placement(self, model: LoadedModel) -> Placement:
        where = model.whereabouts
        return Placement(
            device=where.device,
            backend=model.backend,
            threads=self._threads,
            reason=f"{self._threads_reason}.",
            interface=where.interface,
            layers=where.layers,
            total_layers=where.total_layers,
            note=where.note,
        )

    def _prefill_budget(self, jobs: Sequence[GenerateJob], rate: PrefillRate) -> int:
        """As much as a short pause allows while somebody's answer flows; more, but not for long, while none does."""
        if not any(job.is_reading for job in jobs):
            return self._prefill_chunk_tokens
        others = [ticket for ticket in self._requests.running() if ticket.urgency is not Urgency.BATCH]
        flows = any(ticket.clock.first_token_s is not None for ticket in others)
        now = self._requests.counts()  # not the snapshot, in which this request may still wait
        is_alone = not flows and len(jobs) == 1 and not now.waiting and len(now.running_by_model) < 2
        if is_alone:
            return self._prefill_chunk_tokens
        pause_s = SHARED_PREFILL_S if flows else ALONE_PREFILL_S
        return rate.tokens_within(max(pause_s, paged_pause_s(jobs[0].model)), self._prefill_chunk_tokens)

    def _break(self, model: LoadedModel, error: EngineError) -> None:
        tickets = self._requests.left(model)
        self._forget(model)
        model.close()
        self._on_model_failed(model, error, tickets)

    def _retire(self, model: LoadedModel, on_closed: Callable[[], None]) -> None:
        """Let a model go; requests that need it wait until it is loaded again."""
        for ticket in self._requests.left(model):
            if ticket.job is not None:
                ticket.job.leave()
        self._before_close(model)
        self._forget(model)
        model.close()
        on_closed()

    def _forget(self, model: LoadedModel) -> None:
        self._closed.add(model)
        self._rates.pop(id(model), None)
        self._spent_s.pop(id(model), None)

    def _take_snapshot(self) -> LaneSnapshot:
        return self._snapshot_of(self._requests.counts())

    def _snapshot_of(self, counts: Counts) -> LaneSnapshot:
        return LaneSnapshot(
            waiting=counts.waiting,
            running=counts.running,
            running_by_model=counts.running_by_model,
            threads=self._threads,
            threads_reason=self._threads_reason,
            queued_by_model=counts.waiting_by_model,
            spent_by_model=dict(self._spent_s),
            left_by_model=counts.left_by_model,
            latest_model=self._latest_model,
        )


def _nothing() -> None:
    """What wakes a lane and asks nothing of it."""


def _too_long(job: Job) -> OutOfMemoryError:
    return OutOfMemoryError(
        f"The request needs {job.prompt_tokens + job.most_output:,} tokens of context,"
        f" more than {job.model.info.id} has.",
        "Ask for fewer tokens, or load the model with a larger context.",
    )
