"""Bringer: brings a request to a loaded model: found, placed, made ready; and to the next device where one fails.

Threads of several kinds: finding and preparing is quick; a plugin in a process of its own may take as long as its time
limit and must hold up nobody else; loading takes seconds, on each device by itself (`Loaders`).
"""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from engine.backends.base import DeviceTarget, LoadedModel
from engine.errors import CapabilityError, EngineClosedError, EngineError, ModelError, ModelNotFoundError, PluginError
from engine.hardware import HardwareEvent, HardwareEventKind
from engine.memory.changed_files import let_go_changed
from engine.memory.residency import Residency, place_of
from engine.models.library import ModelLibrary, variants_in
from engine.scheduling.job import Fail
from engine.scheduling.lanes import Lanes
from engine.scheduling.load_queue import LoadQueue
from engine.scheduling.loaders import Loaders
from engine.scheduling.marks import mark
from engine.scheduling.placing import Placer
from engine.scheduling.tickets import Ticket
from engine.types import ModelInfo, SteppedDown

log = logging.getLogger(__name__)

OUTSIDE_THREADS: Final = 8
"""Requests that may wait for plugins in other processes at the same time; the others wait for these."""
_SAME_EVERYWHERE: Final = (CapabilityError, ModelNotFoundError, PluginError, EngineClosedError)
"""What another device would refuse as well."""


class Bringer:
    """Brings requests to models.

    Every method returns at once; errors arrive where the result would.

    Thread: any. The work is done on `hearth-prepare`, on `hearth-outside` where it asks plugins in other processes, and
    on the threads of `Loaders`.
    """

    def __init__(
        self,
        library: ModelLibrary,
        residency: Residency,
        placer: Placer,
        lanes: Lanes,
        queue: LoadQueue,
        note: Callable[[HardwareEvent], None],
    ) -> None:
        """Make a bringer.

        Args:
            library: finds models.
            residency: loads them.
            placer: says where.
            lanes: run them.
            queue: where requests wait.
            note: takes what happens, for the time axis.
        """
        self._library = library
        self._residency = residency
        self._placer = placer
        self._lanes = lanes
        self._queue = queue
        self._note = note
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="hearth-prepare")
        self._outside = ThreadPoolExecutor(OUTSIDE_THREADS, thread_name_prefix="hearth-outside")
        self._unloading = ThreadPoolExecutor(1, thread_name_prefix="hearth-unload")
        self._loaders = Loaders(queue, residency, note, self._start, self._on_load_failed)
        self._closing = threading.Event()

    @property
    def is_closing(self) -> bool:
        """Whether it takes no more requests."""
        return self._closing.is_set()

    def bring(self, ticket: Ticket) -> None:
        """Find and place the model of a request, load it when it is its turn, and start the request with it."""
        self._queue.arrive(ticket)

        def find() -> None:
            infos = variants_in(self._library, ticket.label.model)
            for info in infos:
                let_go_changed(self._residency, info)
            ticket.ways = self._placer.ways(infos, ticket.journey.ask)
            first = ticket.ways[0]
            if first.instead_of:
                self._tell(ticket, first.info, first.instead_of, first.target.device, first.notice)
            self._take(ticket, 0)

        self.submit(self._preparing, find, ticket.fail)

    def rescue(self, model: LoadedModel, error: EngineError, tickets: Sequence[Ticket]) -> None:
        """Let the requests of a model that broke go on elsewhere; on the processor, where nothing is left, they fail.

        Thread: lane.
        """
        self._residency.discard(model)
        where = model.whereabouts
        for ticket in tickets:
            self._queue.take_out(ticket)
        if where.device == "cpu" and not where.process_ids:
            for ticket in tickets:
                ticket.fail(error)
            return
        failed = DeviceTarget(device=where.device, interface=where.interface)
        self._placer.note_failure(model.info, failed, error)
        self._note(mark(HardwareEventKind.DEVICE_FAILED, where.device, f"{where.device} failed", error.cause))
        for ticket in tickets:
            if not ticket.is_gone():
                self._rescue(ticket, model.info, where.device, error)

    def unload(self, info: ModelInfo) -> "Future[bool]":
        """Let a model go; the result says whether it was loaded."""
        return self._unloading.submit(self._residency.unload, info)

    def pool(self, model: LoadedModel) -> ThreadPoolExecutor:
        """Where requests for a model are made ready."""
        return self._outside if model.asks_outside else self._preparing

    @property
    def outside(self) -> ThreadPoolExecutor:
        """Where plugins in other processes are asked."""
        return self._outside

    def submit(self, pool: ThreadPoolExecutor, work: Callable[[], None], fail: Fail) -> None:
        """Do a piece of work on a pool; whatever goes wrong goes to `fail`."""
        try:
            pool.submit(_guarded, work, fail)
        except RuntimeError:  # the pool is closed
            fail(EngineClosedError("The engine was closed."))

    def close(self) -> None:
        """Stop loading and preparing, and wait until all threads have ended."""
        self._closing.set()
        self._queue.close()
        self._loaders.close()
        for pool in (self._unloading, self._preparing, self._outside):
            pool.shutdown(wait=True, cancel_futures=True)

    def _take(self, ticket: Ticket, at: int) -> None:
        """Let a request go the way of this number; its model may be loaded there already."""
        ticket.at = at
        way = ticket.way
        ticket.lease.want(place_of(way.info, way.target))
        ticket.journey.reason = way.reason
        lane = self._lanes.name_for(way.info, way.target.device)
        if self.is_closing or not self._lanes.open(lane):
            ticket.fail(EngineClosedError("The engine was closed."))
            return
        if self._queue.enter(ticket, lane):
            self._start(ticket)
        else:
            self._loaders.ensure(way.target.device)

    def _start(self, ticket: Ticket) -> None:
        """Make a request ready with its model, which cannot leave meanwhile."""
        place = place_of(ticket.way.info, ticket.way.target)
        model = self._residency.use(place)
        if model is None:  # it has just left; the queue knows, or will in a moment
            if self._queue.unstart(ticket) and self._residency.get(place) is not None:
                self._start(ticket)
            return

        def start() -> None:
            then: Callable[[], None] | None = None
            try:
                if ticket.job is not None:
                    ticket.job.move(model)
                    ticket.job.look_up()
                    self._queue.ready(ticket, ticket.job)
                else:
                    then = ticket.start(model)
            finally:
                self._residency.let_go(place)
            if then is not None:
                then()

        try:
            self.pool(model).submit(_guarded, start, ticket.fail)
        except RuntimeError:
            self._residency.let_go(place)
            ticket.fail(EngineClosedError("The engine was closed."))

    def _on_load_failed(self, tickets: Sequence[Ticket], error: EngineError) -> None:
        """Let requests whose model could not be loaded go the next way, or fail."""
        for ticket in tickets:
            if not self._may_step_down(ticket, error):
                self._queue.take_out(ticket)
                ticket.fail(error)
                continue
            way = ticket.way
            self._placer.note_failure(way.info, way.target, error)
            self._step_down(ticket, way.info, way.target.device, error, ticket.at + 1)

    def _may_step_down(self, ticket: Ticket, error: EngineError) -> bool:
        is_last = ticket.at + 1 >= len(ticket.ways)
        on_device = bool(ticket.way.target.targets)
        return on_device and not is_last and not ticket.is_gone() and not isinstance(error, _SAME_EVERYWHERE)

    def _step_down(self, ticket: Ticket, info: ModelInfo, device: str, error: EngineError, at: int) -> None:
        """Say so, and go the next way that has not failed as well."""
        while at + 1 < len(ticket.ways) and self._placer.has_failed(ticket.ways[at]):
            at += 1
        self._tell(ticket, info, device, ticket.ways[at].target.device, error.cause)
        self._take(ticket, at)

    def _tell(self, ticket: Ticket, info: ModelInfo, device: str, to: str, why: str) -> None:
        sentence = f"{why} {info.id} runs on {_device_name(to)} instead."
        log.warning("%s", sentence)
        self._note(mark(HardwareEventKind.STEP_DOWN, device, f"{info.id}: {device} to {to}", why))
        event = SteppedDown(device, to, sentence)
        ticket.journey.step_downs.append(sentence)
        ticket.tell(event)

    def _rescue(self, ticket: Ticket, info: ModelInfo, device: str, error: EngineError) -> None:
        def find() -> None:
            ticket.ways = self._placer.ways((info,), replace(ticket.journey.ask, device=""))
            self._step_down(ticket, info, device, error, 0)

        self.submit(self._preparing, find, ticket.fail)


def _device_name(device: str) -> str:
    return "the processor" if device == "cpu" else device


def _guarded(work: Callable[[], None], fail: Fail) -> None:
    """Run a piece of work; whatever goes wrong reaches the caller."""
    try:
        work()
    except EngineError as error:
        fail(error)
    except Exception as error:
        log.exception("a request failed inside")
        fail(ModelError(f"The request failed inside: {error}.", "The log says more."))
