"""DeviceDoor: the part of the engine's door that leads to devices: what there is, what it does, who runs where."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.hardware import DeviceInfo, DeviceRates, HardwareSnapshot, PlacementReport

if TYPE_CHECKING:
    from engine.devices.telemetry.telemetry import Telemetry
    from engine.scheduling.hardware import Hardware
    from engine.scheduling.placing import Placer


class DeviceDoor(ABC):
    """What devices add to the door; `Engine` is one."""

    @abstractmethod
    def _hardware(self) -> "Hardware":
        """The devices; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _placer(self) -> "Placer":
        """Says where models run; raises `EngineClosedError` while the engine is closed."""

    @property
    def telemetry(self) -> "Telemetry":
        """What the devices do: the newest sample, an hour of history, events.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._hardware().telemetry

    def hardware(self) -> HardwareSnapshot:
        """Describe the devices and what they do right now; cheap. Thread: any.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._hardware().snapshot()

    def hardware_report(self) -> str:
        """Describe the devices in plain text.

        Raises:
            EngineClosedError: it is not open.
        """
        from engine.scheduling.hardware_report import report_text  # with the rest of what only an open engine needs

        return report_text(self.hardware())

    async def find_devices(self) -> tuple[DeviceInfo, ...]:
        """Ask the backends again which devices they reach; takes seconds.

        Raises:
            EngineClosedError: it is not open.
        """
        return await asyncio.to_thread(self._hardware().find)

    async def measure_devices(self, on_progress: Callable[[float, str], None] | None = None) -> tuple[DeviceRates, ...]:
        """Measure all usable devices anew, in processes of their own, some seconds each; may be cancelled.

        Args:
            on_progress: told the share that is done, and what is being done, on another thread.

        Raises:
            EngineClosedError: it is not open.
            DeviceError: not one could be measured.
        """
        hardware, stop = self._hardware(), threading.Event()
        tell = on_progress if on_progress is not None else lambda _share, _words: None
        try:
            rates = await asyncio.to_thread(hardware.measuring.measure_all, tell, stop)
        finally:
            stop.set()
        self._placer().forget_speeds()
        return rates

    async def placements(self, model: str) -> PlacementReport:
        """Say where a model would run now, where else it could, and what is predicted for each.

        Raises:
            EngineError: there is no such model, or its file is broken.
        """
        return await asyncio.to_thread(self._placer().report, model)

    def set_device(self, model: str, device: str) -> None:
        """Let a model run on this device only from now on; empty lets the dispatcher choose again.

        Raises:
            ModelNotFoundError: there is no such model.
            DeviceError: there is no such device.
            ConfigError: the choice cannot be kept.
        """
        self._placer().choose(model, device)
