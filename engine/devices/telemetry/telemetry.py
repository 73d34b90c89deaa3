"""Telemetry: one thread that samples the devices, and an hour of what it saw."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from engine.devices.telemetry.event_log import EventLog, ThrottleWatch
from engine.devices.telemetry.history import History
from engine.devices.telemetry.memory import MachineMemory, MemoryMeter
from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.sample_parts import UNKNOWN, merged
from engine.devices.telemetry.sleep import IsAtWork
from engine.devices.telemetry.sources import Closeable, Source, sources_for
from engine.hardware import DeviceInfo, DeviceKind, DeviceLoad, DeviceSample, HardwareEvent, TelemetrySample

log = logging.getLogger(__name__)

IDLE_PERIOD_S: Final = 1.0
BUSY_PERIOD_S: Final = 0.5
MOST_FAILURES: Final = 3
_CLOSING_S: Final = 5.0  # a driver that hangs must not keep Hearth from closing

ChooseSources = Callable[[Sequence[DeviceInfo], OurProcesses, Path, IsAtWork], Sequence[Source]]
"""Makes the sources of some devices; `sources_for` says what it is given."""


class Telemetry:
    """Watches the devices: once per second, twice while Hearth computes.

    Thread: any, except for `sample_once`.
    """

    def __init__(
        self,
        loads: Callable[[], Mapping[str, DeviceLoad]],
        pids: Callable[[], Sequence[int]],
        clock: Callable[[], float] = time.monotonic,
        *,
        root: Path = Path("/"),
        choose: ChooseSources = sources_for,
    ) -> None:
        """Watch nothing but the machine's memory until it is told of devices.

        Args:
            loads: what the engine itself does, by device id; called on the thread of `sample_once`.
            pids: child processes that belong to Hearth; called there too.
            clock: monotonic, in seconds.
            root: where `proc` and `sys` are; a test gives its own.
            choose: makes the sources of the devices; a test gives its own.
        """
        self._loads = loads
        self._clock = clock
        self._root = root
        self._choose = choose
        self._processes = OurProcesses(pids, root)
        self._memory = MemoryMeter(self._processes, clock, root)
        self._history = History()
        self._events = EventLog()
        self._throttles = ThrottleWatch()
        self._sources = _Sources()
        self._at_work: set[str] = set()  # devices that Hearth gives work, as of the newest sample
        self._period_s = IDLE_PERIOD_S
        self._lock = threading.Lock()
        self._devices: tuple[DeviceInfo, ...] = ()  # guarded by _lock
        self._is_covered = True  # guarded by _lock: whether there are sources for them
        self._thread: threading.Thread | None = None  # guarded by _lock
        self._is_closed = False  # guarded by _lock
        self._ended = threading.Event()
        self._hurry = threading.Event()

    def cover(self, devices: Sequence[DeviceInfo]) -> None:
        """Watch these devices and no others; their sources are made by the next sample, which comes at once."""
        with self._lock:
            self._devices = tuple(devices)
            self._is_covered = False
        self._hurry.set()

    def add_source(self, source: Source) -> None:
        """Ask one more source, in addition to those of the devices, which win where both know something."""
        self._sources.add(source)

    def start(self) -> None:
        """Begin to sample, on the thread `hearth-telemetry`; nothing happens if it has begun or was closed."""
        with self._lock:
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="hearth-telemetry", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the sampling and release everything; what was seen stays. Waits for a sample in progress."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            thread = self._thread
        self._ended.set()
        self._hurry.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSING_S)
        if thread is None and not was_closed:
            self._release()  # otherwise the thread does it, which may still be inside a source

    @property
    def period_s(self) -> float:
        """Seconds between the last sample and the next: fewer while Hearth computes."""
        return self._period_s

    def latest(self) -> TelemetrySample | None:
        """The newest sample; None before the first."""
        return self._history.latest

    def history(self, since_s: float) -> tuple[TelemetrySample, ...]:
        """Samples taken at that time or later, oldest first; an hour is kept."""
        return self._history.since(since_s)

    def energy_j(self, device: str, from_s: float, to_s: float) -> float | None:
        """Joules that a device took between two moments, whoever made it work; None if its power was not known."""
        return self._history.energy_j(device, from_s, to_s)

    def events(self) -> tuple[HardwareEvent, ...]:
        """The newest 256 events, newest last."""
        return self._events.all()

    def note(self, event: HardwareEvent) -> None:
        """Keep an event."""
        self._events.note(event)

    def sample_once(self) -> TelemetrySample | None:
        """Take a sample and keep it; None as long as the system does not say how much memory is in use.

        Thread: `hearth-telemetry`; a test's own, if that was not started.
        """
        devices = self._covered()
        now_s = self._clock()
        loads = self._loads()
        self._at_work = {name for name, load in loads.items() if load.running or load.waiting or load.busy > 0}
        self._period_s = BUSY_PERIOD_S if self._at_work else IDLE_PERIOD_S
        found = self._sources.read(now_s)
        try:
            memory = self._memory.read(now_s)
        except OSError as error:
            log.debug("The memory in use is not known: %s", error)
            return None
        samples = {
            device.id: _completed(device, found.get(device.id, UNKNOWN), loads.get(device.id), memory)
            for device in devices
        }
        tokens_per_s, images_per_s = _speeds(loads, self._history.latest)
        sample = TelemetrySample(
            at_s=now_s,
            devices=MappingProxyType(samples),
            memory_used_bytes=memory.used,
            memory_ours_bytes=memory.ours,
            swap_used_bytes=memory.swap_used,
            tokens_per_s=tokens_per_s,
            images_per_s=images_per_s,
        )
        self._history.add(sample)
        for event in self._throttles.begun(now_s, samples):
            self._events.note(event)
        return sample

    def _covered(self) -> tuple[DeviceInfo, ...]:
        """The devices, after their sources are made if they are new."""
        with self._lock:
            devices, is_covered, self._is_covered = self._devices, self._is_covered, True
        if not is_covered:
            self._sources.replace(self._choose(devices, self._processes, self._root, self._is_at_work))
        return devices

    def _is_at_work(self, device: str) -> bool:
        return device in self._at_work

    def _work(self) -> None:
        due_s = self._clock()
        while not self._ended.is_set():
            self._hurry.clear()
            try:
                self.sample_once()
            except Exception:  # the next one may go well, and without the thread every meter stands still
                log.exception("A sample of the devices failed")
            now_s = self._clock()
            # In step with the clock, unless a sample took so long that the next is overdue.
            due_s = max(due_s + self._period_s, now_s)
            if self._hurry.wait(due_s - now_s):
                due_s = self._clock()
        self._release()

    def _release(self) -> None:
        self._sources.replace(())
        self._sources.close()
        self._memory.close()
        self._processes.close()


class _Sources:
    """The sources, those of the devices before those that were added.

    Thread: any may add; one at a time may do the rest.
    """

    def __init__(self) -> None:
        self._own: list[_Asked] = []
        self._lock = threading.Lock()
        self._added: list[_Asked] = []  # guarded by _lock

    def add(self, source: Source) -> None:
        with self._lock:
            self._added.append(_Asked(source))

    def replace(self, sources: Sequence[Source]) -> None:
        """Let go of the devices' sources, and ask these from now on."""
        for asked in self._own:
            asked.close()
        self._own = [_Asked(source) for source in sources]

    def close(self) -> None:
        with self._lock:
            added, self._added = self._added, []
        for asked in added:
            asked.close()

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        with self._lock:
            added = list(self._added)
        found = merged([asked.read(now_s) for asked in (*self._own, *added)])
        self._own = [asked for asked in self._own if not asked.is_dropped]
        with self._lock:
            self._added = [asked for asked in self._added if not asked.is_dropped]
        return found


class _Asked:
    """A source, and how often in a row it has failed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._failures = 0

    @property
    def is_dropped(self) -> bool:
        return self._failures >= MOST_FAILURES

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        try:
            found = self._source.read(now_s)
        except Exception as error:  # noqa: BLE001 - a source can be anybody's, and one that fails must not end the others
            self._failures += 1
            if self.is_dropped:
                name = type(self._source).__name__
                log.warning("%s failed %d times in a row and is left out: %s", name, self._failures, error)
                self.close()
            return {}
        self._failures = 0
        return found

    def close(self) -> None:
        if isinstance(self._source, Closeable):
            try:
                self._source.close()
            except Exception as error:  # noqa: BLE001 - it is not needed any more either way
                log.debug("%s could not be closed: %s", type(self._source).__name__, error)


def _speeds(
    loads: Mapping[str, DeviceLoad], last: TelemetrySample | None
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Tokens and images per second by device."""
    tokens_per_s = {name: load.tokens_per_s for name, load in loads.items()}
    images_per_s = {name: load.images_per_s for name, load in loads.items()}
    if last is not None and last.tokens_per_s == tokens_per_s and last.images_per_s == images_per_s:
        # Mostly nothing is generated, and an hour of samples can say so with the same two mappings.
        return last.tokens_per_s, last.images_per_s
    return MappingProxyType(tokens_per_s), MappingProxyType(images_per_s)


def _completed(device: DeviceInfo, found: DeviceSample, load: DeviceLoad | None, memory: MachineMemory) -> DeviceSample:
    """A sample with what its sources cannot know: the engine's own account, and the machine's memory."""
    is_processor = device.kind == DeviceKind.CPU
    utilisation, ours = found.utilisation, found.ours
    if ours is not None and utilisation is not None:
        utilisation = max(utilisation, ours)  # they are read a moment apart, and ours is part of it
    elif load is not None and not is_processor:
        # Nobody counts for us, so the time in which our lane computed stands for it, as far as it can.
        ours = load.busy if ours is None else ours
        ours = ours if utilisation is None else min(ours, utilisation)
    return DeviceSample(
        utilisation=utilisation,
        ours=ours,
        memory_used_bytes=memory.used if is_processor else found.memory_used_bytes,
        memory_ours_bytes=memory.ours if is_processor else found.memory_ours_bytes,
        temperature_c=found.temperature_c,
        power_w=found.power_w,
        is_throttled=found.is_throttled,
        cores=found.cores,
    )
