"""Residency: which models are in memory, who needs them, and which one leaves when another wants its place."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.backends.base import CPU_TARGET, Backend, DeviceTarget, LoadedModel, LoadOptions, LoadProgress
from engine.devices.machine import available_memory_bytes
from engine.errors import DeviceError, ModelError, OutOfMemoryError
from engine.types import ModelInfo

log = logging.getLogger(__name__)

ONE_MODEL_AT_A_TIME = frozenset({"RPC"})
"""Interfaces whose devices hang while a second process wants them: llama.cpp's server talks to one client only."""

CLOSE_TIMEOUT_S = 30.0
"""Longest wait for a model to leave; a lane answers after one step."""


@dataclass(frozen=True, slots=True)
class Place:
    """A model's file on a device, through an interface: the same file may be loaded on several."""

    path: Path
    device: str = CPU_TARGET.device
    interface: str = CPU_TARGET.interface


def place_of(info: ModelInfo, target: DeviceTarget) -> Place:
    """Where a model is, or will be. What runs in Hearth's own process is one place, whatever a backend calls it."""
    return Place(info.path, target.device, target.interface if target.targets else CPU_TARGET.interface)


@dataclass(slots=True, eq=False)
class Resident:
    """A model in memory.

    Attributes:
        model: which one.
        used_s: when a request last used it, on the monotonic clock.
    """

    model: LoadedModel
    used_s: float = field(default_factory=time.monotonic)


class Residency:
    """Loads models, keeps them, and lets the least recently used idle ones go when memory is short.

    A lease marks a model that a request needs, from before it is loaded until the request has ended; a leased model is
    never evicted.

    Thread: `load` on one thread per device; everything else from any thread.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        options: LoadOptions,
        retire: Callable[[LoadedModel, Callable[[], None]], None],
        available_bytes: Callable[[], int] = available_memory_bytes,
        device_free_bytes: Callable[[str], int | None] = lambda _device: None,
        on_unloaded: Callable[[LoadedModel], None] = lambda _model: None,
    ) -> None:
        """Make an empty residency.

        Args:
            backends: by `ModelInfo.format`.
            options: how models are loaded.
            retire: closes a model on the thread that runs it, then calls back.
            available_bytes: memory of the machine that can be taken now.
            device_free_bytes: free memory of a device that has its own; None if that is unknown.
            on_unloaded: told of a model that has gone.
        """
        self._backends = backends
        self._options = options
        self._retire = retire
        self._available_bytes = available_bytes
        self._device_free_bytes = device_free_bytes
        self._on_unloaded = on_unloaded
        self._residents: dict[Place, Resident] = {}  # guarded by _lock
        self._leases: Counter[Place] = Counter()  # guarded by _lock
        self._lock = threading.Lock()
        self._room_lock = threading.Lock()  # two loads must not count on the same free memory

    def lease(self) -> "Lease":
        """Make a lease that holds nothing yet."""
        return Lease(self)

    def get(self, place: Place) -> LoadedModel | None:
        """Return the loaded model of a file on a device, if it is loaded there."""
        with self._lock:
            resident = self._residents.get(place)
            return None if resident is None else resident.model

    def load(
        self, info: ModelInfo, progress: LoadProgress, target: DeviceTarget = CPU_TARGET, needed_bytes: int = 0
    ) -> LoadedModel:
        """Return the model, loading it first if need be.

        Args:
            info: which model.
            progress: told how far it is.
            target: where to load it.
            needed_bytes: of the device's own memory, as far as it has any.

        Raises:
            ModelError: it cannot be loaded.
            OutOfMemoryError: it does not fit beside the models that are in use.
            DeviceError: the device cannot be used.
        """
        place = place_of(info, target)
        if (model := self.get(place)) is not None:
            return model
        backend = self._backends.get(info.format)
        if backend is None:
            raise ModelError(f"Nothing here can run {info.format} models.")
        with self._room_lock:
            if target.interface in ONE_MODEL_AT_A_TIME:
                self._clear(target.device)
            if target.targets:
                self._make_room_on(target.device, info, needed_bytes)
            else:
                self._make_room(info)
            options = replace(self._options, available_bytes=self._available_bytes(), target=target)
        model = backend.load(info, options, progress)
        with self._lock:
            self._residents[place] = Resident(model)
        return model

    def unload(self, info: ModelInfo) -> bool:
        """Let a model go, wherever it is; return False if it was not loaded.

        Raises:
            ModelError: requests are using it.
        """
        with self._lock:
            places = [place for place in self._residents if place.path == info.path]
            if users := sum(self._leases[place] for place in places):
                what = "a request is" if users == 1 else f"{users} requests are"
                raise ModelError(f"{info.id} cannot be unloaded: {what} using it.", "Stop them first.")
            residents = [self._residents.pop(place) for place in places]
        for resident in residents:
            self._close(resident.model)
        return bool(residents)

    def discard(self, model: LoadedModel) -> None:
        """Forget a model that broke and is closed already."""
        with self._lock:
            for place, resident in list(self._residents.items()):
                if resident.model is model:
                    del self._residents[place]

    def residents(self) -> tuple[Resident, ...]:
        """The models in memory."""
        with self._lock:
            return tuple(self._residents.values())

    def evictable_bytes(self, device: str) -> int:
        """Bytes of a device's own memory, or of the machine's for the processor, that idle models hold."""
        with self._lock:
            idle = [r.model for place, r in self._residents.items() if not self._leases[place]]
        if device == "cpu":
            return sum(model.memory_bytes - model.whereabouts.device_bytes for model in idle)
        return sum(model.whereabouts.device_bytes for model in idle if device in model.device.split("+"))

    def close(self) -> None:
        """Close all models at once; nothing may run them any more."""
        with self._lock:
            residents, self._residents = list(self._residents.values()), {}
        for resident in residents:
            resident.model.close()

    def hold(self, place: Place) -> None:
        """Count a holder of this model; for `Lease`."""
        with self._lock:
            self._leases[place] += 1

    def let_go(self, place: Place) -> None:
        """Undo one `hold`; for `Lease`."""
        with self._lock:
            self._leases[place] -= 1
            if resident := self._residents.get(place):
                resident.used_s = time.monotonic()

    def _make_room(self, info: ModelInfo) -> None:
        while info.size_bytes > (available := self._available_bytes()):
            victim = self._take_idle()
            if victim is None:
                raise OutOfMemoryError(
                    f"{info.id} needs about {_gigabytes(info.size_bytes)} of memory,"
                    f" but {_gigabytes(available)} is free.",
                    "Close other programs, or choose a smaller model or a stronger quantization.",
                )
            log.info("unloading %s to make room for %s", victim.info.id, info.id)
            self._close(victim)

    def _make_room_on(self, device: str, info: ModelInfo, needed_bytes: int) -> None:
        for part in device.split("+"):
            share = needed_bytes // len(device.split("+"))
            while (free := self._device_free_bytes(part)) is not None and share > free:
                victim = self._take_idle(part)
                if victim is None:
                    raise OutOfMemoryError(
                        f"{info.id} needs {_gigabytes(share)} of {part}'s memory, but {_gigabytes(free)} is free.",
                        "Unload other models there, or put fewer of its layers there.",
                    )
                log.info("unloading %s from %s to make room for %s", victim.info.id, part, info.id)
                self._close(victim)

    def _clear(self, device: str) -> None:
        for part in device.split("+"):
            while (victim := self._take_idle(part)) is not None:
                self._close(victim)
            if busy := [place for place in self._places() if part in place.device.split("+")]:
                raise DeviceError(f"{part} takes one model at a time, and {busy[0].path.stem} is in use there.")

    def _places(self) -> tuple[Place, ...]:
        with self._lock:
            return tuple(self._residents)

    def _take_idle(self, device: str = "") -> LoadedModel | None:
        """Take out the least recently used model that no request needs, of a device or of all."""
        with self._lock:
            idle = [
                place
                for place in self._residents
                if not self._leases[place] and (not device or device in place.device.split("+"))
            ]
            if not idle:
                return None
            oldest = min(idle, key=lambda place: self._residents[place].used_s)
            return self._residents.pop(oldest).model

    def _close(self, model: LoadedModel) -> None:
        closed = threading.Event()
        self._retire(model, closed.set)
        if not closed.wait(CLOSE_TIMEOUT_S):
            log.warning("%s has not left after %.0f s", model.info.id, CLOSE_TIMEOUT_S)
        self._on_unloaded(model)


class Lease:
    """One request's hold on models; ended by leaving the `with` block, wherever the request stands then.

    A request that moves to another device holds its model in both places until it ends.

    Thread: any; a hold that comes after the end is ignored, because the request has gone meanwhile.
    """

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._places: set[Place] = set()  # guarded by _lock
        self._is_ended = False  # guarded by _lock
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_ended = True
            for place in self._places:
                self._residency.let_go(place)
            self._places.clear()

    def hold(self, place: Place) -> None:
        """Keep a model from being evicted."""
        with self._lock:
            if not self._is_ended and place not in self._places:
                self._residency.hold(place)
                self._places.add(place)


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
