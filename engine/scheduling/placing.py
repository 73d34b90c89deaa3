"""Placer: collects what the dispatcher must know about this moment, and turns its answer into ways to load a model."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.devices.overrides import Overrides
from engine.errors import DeviceError, DeviceLostError, EngineError
from engine.hardware import DeviceInfo, PlacementReport
from engine.memory.residency import Residency
from engine.models.library import ModelLibrary
from engine.scheduling.asks import Ask
from engine.scheduling.hardware import FAILED_FOR_S, Hardware
from engine.scheduling.lanes import Lanes
from engine.types import ModelInfo

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A model, and where it is to be loaded if it is not there yet.

    Attributes:
        info: the variant of the model.
        target: where.
        needed_bytes: of the device's own memory.
        reason: why there, in one sentence; empty where there is no choice.
    """

    info: ModelInfo
    target: DeviceTarget = CPU_TARGET
    needed_bytes: int = 0
    reason: str = ""


class Placer:
    """Says where models run.

    Thread: any.
    """

    def __init__(
        self,
        library: ModelLibrary,
        hardware: Hardware,
        residency: Residency,
        lanes: Lanes,
        overrides: Overrides,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._hardware = hardware
        self._residency = residency
        self._lanes = lanes
        self._overrides = overrides
        self._clock = clock
        self._refused: dict[tuple[str, str], float] = {}  # guarded by _lock; until when a model keeps off a device
        self._lock = threading.Lock()

    def ways(self, variants: Sequence[ModelInfo], ask: Ask, avoid: frozenset[str] = frozenset()) -> tuple[Way, ...]:
        """Where a request can run, best first.

        Args:
            variants: files that are the same model in several precisions.
            ask: the request.
            avoid: devices that have just failed it.

        Raises:
            OutOfMemoryError: it fits nowhere.
            DeviceError: the device that the caller wants cannot be used.
        """
        info = variants[0]
        backend = "llama.cpp" if info.format == "gguf" else "onnxruntime"
        wanted = ask.device or self._overrides.of(info.id)
        if ask.device and ask.device not in {d.id for d in self._hardware.inventory.devices()}:
            raise DeviceError(f"There is no device {ask.device}.", "See `hearth devices`.")
        found = [Way(info=info)]
        for device in self._hardware.inventory.devices():
            route = device.route(backend)
            if device.id == "cpu" or device.id in avoid or route is None or self._hardware.inventory.failure(device.id):
                continue
            target = DeviceTarget(device=device.id, interface=route.interface, targets=(route.target,))
            found.insert(0, Way(info=info, target=target))
        return tuple(sorted(found, key=lambda way: way.target.device != wanted))

    def report(self, name: str) -> PlacementReport:
        """Where a model would run now, and where else it could.

        Raises:
            EngineError: there is no such model, or its file is broken.
        """
        info = self._library.find(name)
        return PlacementReport(model=info.id, choice=None, candidates=(), override=self._overrides.of(info.id))

    def choose(self, name: str, device: str) -> None:
        """Let a model run on this device only; empty leaves the choice to the dispatcher.

        Raises:
            ModelNotFoundError: there is no such model.
            DeviceError: there is no such device.
            ConfigError: the choice cannot be kept.
        """
        known = [info.id for info in self._hardware.inventory.devices()]
        if device and device not in known:
            raise DeviceError(f"There is no device {device}.", f"Choose from {', '.join(known)}.")
        self._overrides.choose(self._library.find(name).id, device)

    def forget_speeds(self) -> None:
        """Devices were measured anew: what was seen before was seen of another time."""
        self._lanes.observations.forget()

    def note_failure(self, info: ModelInfo, device: str, error: EngineError) -> None:
        """Keep away from a device that is lost, or else from this model on it, for a while."""
        if isinstance(error, DeviceLostError):
            for part in device.split("+"):
                self._hardware.inventory.fail(part, error.cause, FAILED_FOR_S)
            return
        with self._lock:
            self._refused[info.id, device] = self._clock() + FAILED_FOR_S

    def _usable(self, device: DeviceInfo, info: ModelInfo) -> bool:
        with self._lock:
            until_s = self._refused.get((info.id, device.id), 0.0)
        return device.is_usable and self._clock() >= until_s
