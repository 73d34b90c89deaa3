"""Measuring: calibrates the devices one after the other, when somebody asks for it, or by itself when nobody works."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.devices.calibrate import CalibrationOrder, Stop, calibrate
from engine.devices.inventory import Inventory
from engine.devices.rates import RateStore
from engine.errors import DeviceError, EngineError
from engine.hardware import DeviceInfo, DeviceRates, HardwareEvent, HardwareEventKind, Route
from engine.scheduling.marks import mark

log = logging.getLogger(__name__)

IDLE_S: Final = 20.0
"""How long nobody must have worked before devices are measured unasked; a guess."""
_BEAT_S: Final = 1.0
_NEEDED_S: Final = 1.0  # somebody has worked since then, so the machine is wanted

OnProgress = Callable[[float, str], None]

_STOPS_WITHIN_S: Final = 0.5
"""Longest wait for it when closing; a child that measures ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What measuring needs to know.

    Attributes:
        folder: for the models that are timed.
        modules: folder of llama.cpp's modules.
        threads: of the processor.
    """

    folder: Path
    modules: Path | None
    threads: int


class Measuring:
    """Measures devices, one at a time.

    Thread: any; whoever measures waits for whoever does.

    Attributes:
        rates: what was measured.
    """

    def __init__(
        self, inventory: Inventory, rates: RateStore, setup: Setup, note: Callable[[HardwareEvent], None]
    ) -> None:
        self.rates = rates
        self._inventory = inventory
        self._setup = setup
        self._note = note
        self._at_work = threading.Lock()
        self._waiting: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def is_busy(self) -> bool:
        """Whether a device is being measured."""
        return self._at_work.locked()

    def measure_all(self, on_progress: OnProgress, stop: Stop) -> tuple[DeviceRates, ...]:
        """Measure all usable devices anew; blocks for some seconds each.

        Args:
            on_progress: told the share that is done and what is being done.
            stop: ends it soon; what was measured until then is kept.

        Raises:
            DeviceError: not one could be measured; says why of the last.
        """
        ways = [
            (device, route)
            for device in self._inventory.devices()
            if not device.fault
            for route in device.routes
            if not route.fault
        ]
        return self._measure(ways, on_progress, stop)

    def measure_when_idle(self, idle_s: Callable[[], float]) -> None:
        """Measure what was never measured, as soon as nobody has worked for a while; starts a thread.

        Nothing is measured where there is no choice between devices.

        Args:
            idle_s: how long nobody has worked.
        """
        self._waiting = threading.Thread(
            target=self._wait_and_measure, args=(idle_s,), name="hearth-measure", daemon=True
        )
        self._waiting.start()

    def close(self) -> None:
        """End it, now and for ever."""
        self._ended.set()
        if self._waiting is not None:
            self._waiting.join(_STOPS_WITHIN_S)

    def _wait_and_measure(self, idle_s: Callable[[], float]) -> None:
        tried: set[tuple[str, str]] = set()
        while not self._ended.wait(_BEAT_S):
            devices = self._inventory.devices()
            if len([device for device in devices if device.is_usable]) < 2 or idle_s() < IDLE_S:
                continue
            missing = [
                (device, route)
                for device, route in self.rates.missing(devices)
                if (device.id, route.interface) not in tried and not self._inventory.failure(device.id)
            ]
            if not missing:
                continue
            key = (missing[0][0].id, missing[0][1].interface)
            stop = _WhenNeeded(self._ended, idle_s)
            try:
                self._measure(missing[:1], lambda _share, _words: None, stop)
            except EngineError as error:
                log.info("not measured: %s", error)
            if not stop.was_needed:  # else it is tried again when nobody works
                tried.add(key)

    def _measure(
        self, ways: Sequence[tuple[DeviceInfo, Route]], on_progress: OnProgress, stop: Stop
    ) -> tuple[DeviceRates, ...]:
        measured: list[DeviceRates] = []
        fault: EngineError | None = None
        with self._at_work:
            for number, (device, route) in enumerate(ways):
                if stop.is_set() or self._ended.is_set():
                    break
                on_progress(number / len(ways), f"Measuring {device.id} through {route.interface}")
                try:
                    measured.append(self._measure_one(device, route, stop))
                except DeviceError as error:
                    log.info("%s", error)
                    fault = error
        if fault is not None and not measured and not stop.is_set():
            raise fault
        return tuple(measured)

    def _measure_one(self, device: DeviceInfo, route: Route, stop: Stop) -> DeviceRates:
        self._setup.folder.mkdir(parents=True, exist_ok=True)
        order = CalibrationOrder(
            device=device.id,
            backend=route.backend,
            interface=route.interface,
            target=route.target if device.id != "cpu" or route.backend != "llama.cpp" else "",
            version=route.version,
            folder=str(self._setup.folder),
            modules=str(self._setup.modules) if self._setup.modules is not None else "",
            threads=self._setup.threads,
        )
        rates = calibrate(order, stop=stop)
        try:
            self.rates.put(rates)
        except OSError as error:
            log.warning("measured speeds cannot be kept: %s", error)
        self._note(mark(HardwareEventKind.MEASURED, device.id, f"{device.id} measured", f"through {route.interface}"))
        return rates


class _WhenNeeded:
    """Stops a measurement that nobody asked for as soon as somebody needs the machine, or the engine closes.

    Attributes:
        was_needed: whether it was stopped for somebody.
    """

    def __init__(self, ended: threading.Event, idle_s: Callable[[], float]) -> None:
        self.was_needed = False
        self._ended = ended
        self._idle_s = idle_s

    def is_set(self) -> bool:
        """Whether to stop."""
        self.was_needed = self.was_needed or self._idle_s() < _NEEDED_S
        return self.was_needed or self._ended.is_set()
