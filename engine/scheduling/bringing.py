"""Bringer: brings a request to a loaded model: found, placed, loaded; and to the next device where one fails.

Threads of several kinds: loading a model takes seconds, on each device by itself, and a plugin in a process of its own
may take as long as its time limit; neither may hold up requests for models that are loaded already.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from engine.backends.base import DeviceTarget, LoadedModel, LoadProgress
from engine.errors import (
    CapabilityError,
    EngineClosedError,
    EngineError,
    ModelError,
    ModelNotFoundError,
    PluginError,
)
from engine.hardware import HardwareEvent, HardwareEventKind
from engine.memory.residency import Residency, place_of
from engine.models.library import ModelLibrary, variants_in
from engine.scheduling.job import Job, JobClock, Journey
from engine.scheduling.lanes import Lanes
from engine.scheduling.marks import loaded, mark
from engine.scheduling.placing import Placer, Way
from engine.types import ModelInfo, SteppedDown

log = logging.getLogger(__name__)

T = TypeVar("T")
Fail = Callable[[BaseException], None]
Tell = Callable[[SteppedDown], None]

OUTSIDE_THREADS: Final = 8
"""Requests that may wait for plugins in other processes at the same time; the others wait for these."""
_SAME_EVERYWHERE: Final = (CapabilityError, ModelNotFoundError, PluginError, EngineClosedError)
"""What another device would refuse as well."""


@dataclass(slots=True, kw_only=True)
class _Trip:
    """A request on its way to a model.

    Attributes:
        start: called with the loaded model.
        fail: called with the error, if nothing is left to try.
        clock: of the request.
        progress: told how far loading is.
        journey: what is asked, and where it has been.
        tell: told when a device had to be left.
        ways: where the model can run, best first.
    """

    start: Callable[[LoadedModel], None]
    fail: Fail
    clock: JobClock
    progress: LoadProgress
    journey: Journey
    tell: Tell
    ways: Sequence[Way] = field(default=())


class Bringer:
    """Brings requests to models.

    Every method returns at once; errors arrive where the result would.

    Thread: any. The work is done on `hearth-prepare`, `hearth-loader-DEVICE`, and on `hearth-outside` where it asks
    plugins in other processes.
    """

    def __init__(
        self,
        library: ModelLibrary,
        residency: Residency,
        placer: Placer,
        lanes: Lanes,
        note: Callable[[HardwareEvent], None],
    ) -> None:
        """Make a bringer.

        Args:
            library: finds models.
            residency: loads them.
            placer: says where.
            lanes: take jobs that go on elsewhere.
            note: takes what happens, for the time axis.
        """
        self._library = library
        self._residency = residency
        self._placer = placer
        self._lanes = lanes
        self._note = note
        self._preparing = ThreadPoolExecutor(1, thread_name_prefix="hearth-prepare")
        self._outside = ThreadPoolExecutor(OUTSIDE_THREADS, thread_name_prefix="hearth-outside")
        self._loaders: dict[str, ThreadPoolExecutor] = {}  # guarded by _lock
        self._lock = threading.Lock()
        self.is_closing = False

    def bring(
        self,
        name: str,
        journey: Journey,
        start: Callable[[LoadedModel], None],
        fail: Fail,
        clock: JobClock,
        progress: LoadProgress,
        tell: Tell = lambda _event: None,
    ) -> None:
        """Find, place and load a model, then call `start` with it; all errors go to `fail`."""
        trip = _Trip(start=start, fail=fail, clock=clock, progress=progress, journey=journey, tell=tell)

        def find() -> None:
            trip.ways = self._placer.ways(variants_in(self._library, name), journey.ask)
            first = trip.ways[0]
            if first.instead_of:
                self._tell(trip, first.info, first.instead_of, first.target.device, first.notice)
            self._take(trip, 0)

        self.submit(self._preparing, find, fail)

    def rescue(self, model: LoadedModel, error: EngineError, jobs: Sequence[Job]) -> None:
        """Let the jobs of a model that broke go on elsewhere; on the processor, where nothing is left, they fail.

        Thread: lane.
        """
        self._residency.discard(model)
        where = model.whereabouts
        if where.device == "cpu" and not where.process_ids:
            for job in jobs:
                job.fail(error)
            return
        failed = DeviceTarget(device=where.device, interface=where.interface)
        self._placer.note_failure(model.info, failed, error)
        self._note(mark(HardwareEventKind.DEVICE_FAILED, where.device, f"{where.device} failed", error.cause))
        for job in jobs:
            if not job.is_cancelled:
                self._rescue(job, model.info, where.device, error)

    def unload(self, info: ModelInfo) -> "Future[bool]":
        """Let a model go; the result says whether it was loaded."""
        return self._loader("cpu").submit(self._residency.unload, info)

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
        self.is_closing = True
        with self._lock:
            loaders = list(self._loaders.values())
        for pool in (*loaders, self._preparing, self._outside):
            pool.shutdown(wait=True, cancel_futures=True)

    def _loader(self, device: str) -> ThreadPoolExecutor:
        with self._lock:
            if device not in self._loaders:
                self._loaders[device] = ThreadPoolExecutor(1, thread_name_prefix=f"hearth-loader-{device}")
                if self.is_closing:
                    self._loaders[device].shutdown()
            return self._loaders[device]

    def _take(self, trip: _Trip, index: int) -> None:
        """Go the way of this number; it may be loaded there already."""
        way = trip.ways[index]
        place = place_of(way.info, way.target)
        trip.journey.lease.hold(place)
        trip.journey.reason = way.reason
        model = self._residency.get(place)
        if model is None:
            trip.progress(0.0)
            self.submit(self._loader(way.target.device), lambda: self._load(trip, index), trip.fail)
        elif model.asks_outside:
            self.submit(self._outside, lambda: trip.start(model), trip.fail)
        else:
            trip.start(model)

    def _load(self, trip: _Trip, index: int) -> None:
        way = trip.ways[index]
        began_s = time.monotonic()
        try:
            is_new = self._residency.get(place_of(way.info, way.target)) is None
            model = self._residency.load(way.info, trip.progress, way.target, way.needed_bytes)
        except EngineError as error:
            if not self._may_step_down(trip, index, error):
                raise
            self._placer.note_failure(way.info, way.target, error)
            self._step_down(trip, way.info, way.target.device, error, index + 1)
            return
        finally:
            trip.clock.load_s += time.monotonic() - began_s
        trip.progress(1.0)
        if is_new:
            self._note(loaded(model, time.monotonic() - began_s))
        self.submit(self.pool(model), lambda: trip.start(model), trip.fail)

    def _may_step_down(self, trip: _Trip, index: int, error: EngineError) -> bool:
        is_last = index + 1 >= len(trip.ways)
        on_device = bool(trip.ways[index].target.targets)
        wanted = trip.progress(0.0)  # False once the caller has gone
        return on_device and not is_last and wanted and not isinstance(error, _SAME_EVERYWHERE)

    def _step_down(self, trip: _Trip, info: ModelInfo, device: str, error: EngineError, index: int) -> None:
        """Say so, and go the next way that has not failed as well."""
        while index + 1 < len(trip.ways) and self._placer.has_failed(trip.ways[index]):
            index += 1
        self._tell(trip, info, device, trip.ways[index].target.device, error.cause)
        self._take(trip, index)

    def _tell(self, trip: _Trip, info: ModelInfo, device: str, to: str, why: str) -> None:
        sentence = f"{why} {info.id} runs on {_device_name(to)} instead."
        log.warning("%s", sentence)
        self._note(mark(HardwareEventKind.STEP_DOWN, device, f"{info.id}: {device} to {to}", why))
        trip.tell(SteppedDown(device, to, sentence))

    def _rescue(self, job: Job, info: ModelInfo, device: str, error: EngineError) -> None:
        def start(model: LoadedModel) -> None:
            job.move(model)
            self._lanes.submit(job)

        trip = _Trip(
            start=start,
            fail=job.fail,
            clock=job.clock,
            progress=lambda _fraction: not job.is_cancelled and not self.is_closing,
            journey=job.journey,
            tell=job.tell_step_down,
        )

        def find() -> None:
            trip.ways = self._placer.ways((info,), replace(job.journey.ask, device=""))
            self._step_down(trip, info, device, error, 0)

        self.submit(self._preparing, find, job.fail)


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
