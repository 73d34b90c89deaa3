"""Hardware: the devices of an open engine: found in the background, watched, and shown as one snapshot."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from engine.backends.base import LoadedModel
from engine.config import EngineConfig
from engine.devices.inventory import Inventory, modules_folder
from engine.devices.machine import available_memory_bytes, memory_limit_bytes, physical_cores, usable_cores
from engine.devices.rates import RateStore
from engine.devices.telemetry.plugin_numbers import from_plugin
from engine.devices.telemetry.telemetry import Telemetry
from engine.hardware import DeviceInfo, DeviceLoad, HardwareSnapshot
from engine.plugins.contract.offers import Sample
from engine.scheduling.measuring import Measuring, Setup

log = logging.getLogger(__name__)

PATIENCE_S: Final = 2.0
"""How long the backends are not asked after a start, unless somebody waits for it: a window opens meanwhile."""
FAILED_FOR_S: Final = 60.0
"""How long a device that was lost is left alone. A guess: enough for a driver to come back, short for a person."""
_ASKED_FOR_S: Final = 5.0
"""Longest wait, when closing, for those that ask for devices; what they have asked was ended before."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the hardware asks of the rest of the engine.

    Attributes:
        loads: what the lanes do, given the ids of the devices and why some are not used.
        models: all models that are loaded.
        numbers: newest numbers of plugins.
        idle_s: seconds since a lane has worked.
    """

    loads: Callable[[Iterable[str], Mapping[str, str]], Mapping[str, DeviceLoad]]
    models: Callable[[], Iterable[LoadedModel]]
    numbers: Callable[[], Iterable[Sample]]
    idle_s: Callable[[], float]


class Hardware:
    """The devices, as long as an engine is open.

    Thread: any.

    Attributes:
        inventory: what there is.
        telemetry: what it does.
        measuring: how fast it is.
    """

    def __init__(self, config: EngineConfig, inventory: Inventory, sources: Sources) -> None:
        self.inventory = inventory
        self.telemetry = Telemetry(self.loads, self._process_ids)
        setup = Setup(
            folder=config.cache_dir / "calibration",
            modules=modules_folder(),
            threads=config.threads or min(physical_cores(), usable_cores()),
        )
        rates = RateStore(config.cache_dir / "rates.json")
        self.measuring = Measuring(inventory, rates, setup, self.telemetry.note)
        self.telemetry.add_source(from_plugin(sources.numbers))
        self._sources = sources
        self._probed: Future[None] = Future()
        self._is_awaited = threading.Event()
        self._probing: threading.Thread | None = None
        self._memory_bytes = memory_limit_bytes()
        self.set_budget(config.memory_budget_bytes)

    def start(self) -> None:
        """Take what an earlier run has found; ask the backends in the background if it is not true any more."""
        is_known = self.inventory.recall()
        self.telemetry.cover(self.inventory.devices())
        self.telemetry.start()
        self.measuring.measure_when_idle(self._sources.idle_s)
        if is_known:
            self._probed.set_result(None)
        else:
            self._probing = threading.Thread(target=self._probe, name="hearth-devices", daemon=True)
            self._probing.start()

    def wait_until_probed(self, timeout_s: float) -> None:
        """Wait until the backends have been asked what they reach."""
        self._is_awaited.set()
        try:
            self._probed.result(timeout_s)
        except TimeoutError:
            log.info("the devices are not all known after %.0f s", timeout_s)

    def find(self) -> tuple[DeviceInfo, ...]:
        """Ask the backends again; blocks for seconds."""
        devices = self.inventory.probe(force=True)
        self.telemetry.cover(devices)
        return devices

    def close(self) -> None:
        """End what is being asked, and the sampling."""
        self.inventory.close()
        self._is_awaited.set()
        self.measuring.close()
        self.telemetry.close()
        if self._probing is not None:
            self._probing.join(_ASKED_FOR_S)

    def loads(self) -> Mapping[str, DeviceLoad]:
        """What the engine does with each device, by id."""
        devices = [device.id for device in self.inventory.devices()]
        failures = {device: sentence for device in devices if (sentence := self.inventory.failure(device))}
        return self._sources.loads(devices, failures)

    def power_w(self, device: str) -> float | None:
        """Watts that a device takes, by the newest sample; None if unknown."""
        latest = self.telemetry.latest()
        sample = None if latest is None else latest.devices.get(device)
        return None if sample is None else sample.power_w

    def free_bytes(self, device: str) -> int | None:
        """Free memory of a device: of its own, or of the machine's; None if unknown."""
        info = next((found for found in self.inventory.devices() if found.id == device), None)
        if info is None or info.shares_memory or device == "cpu":
            return available_memory_bytes()
        latest = self.telemetry.latest()
        sample = None if latest is None else latest.devices.get(device)
        if sample is not None and sample.memory_used_bytes is not None and info.memory_bytes is not None:
            return max(0, info.memory_bytes - sample.memory_used_bytes)
        # Nobody reads its counters: what it had when it was asked, less what was put there since.
        told = [route.free_bytes for route in info.routes if route.free_bytes is not None]
        return max(0, max(told) - self._ours_on(device)) if told else info.memory_bytes

    def set_budget(self, budget_bytes: int | None) -> None:
        """Change what is shown as the budget for models."""
        self._budget_bytes = min(self._memory_bytes, budget_bytes or self._memory_bytes)

    def snapshot(self) -> HardwareSnapshot:
        """Everything at once; cheap."""
        return HardwareSnapshot(
            devices=self.inventory.devices(),
            loads=self.loads(),
            latest=self.telemetry.latest(),
            memory_bytes=self._memory_bytes,
            memory_budget_bytes=self._budget_bytes,
            rates=self.measuring.rates.all(),
            is_measuring=self.measuring.is_busy,
            is_probed=self._probed.done(),
        )

    def _probe(self) -> None:
        self._is_awaited.wait(PATIENCE_S)
        began_s = time.monotonic()
        try:
            self.telemetry.cover(self.inventory.probe())
        except Exception:  # the processor is known, so that Hearth works without the others
            log.exception("the devices could not be found")
        finally:
            self._probed.set_result(None)
        log.debug("asking what devices there are took %.2f s", time.monotonic() - began_s)

    def _process_ids(self) -> list[int]:
        return [pid for model in self._sources.models() for pid in model.whereabouts.process_ids]

    def _ours_on(self, device: str) -> int:
        total = 0
        for model in self._sources.models():
            parts = model.device.split("+")
            if device in parts:
                total += model.whereabouts.device_bytes // len(parts)
        return total
