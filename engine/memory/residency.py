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

from engine.backends.base import Backend, LoadedModel, LoadOptions, LoadProgress
from engine.devices.machine import available_memory_bytes
from engine.errors import ModelError, OutOfMemoryError
from engine.types import ModelInfo

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 30.0
"""Longest wait for a model to leave; a lane answers after one step."""


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

    Thread: `load` on the loader thread only; everything else from any thread.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        options: LoadOptions,
        retire: Callable[[LoadedModel, Callable[[], None]], None],
        available_bytes: Callable[[], int] = available_memory_bytes,
    ) -> None:
        """Make an empty residency.

        Args:
            backends: by `ModelInfo.format`.
            options: how models are loaded.
            retire: closes a model on the thread that runs it, then calls back.
            available_bytes: memory that can be taken now.
        """
        self._backends = backends
        self._options = options
        self._retire = retire
        self._available_bytes = available_bytes
        self._residents: dict[Path, Resident] = {}  # guarded by _lock
        self._leases: Counter[Path] = Counter()  # guarded by _lock
        self._lock = threading.Lock()

    def lease(self) -> "Lease":
        """Make a lease that holds nothing yet."""
        return Lease(self)

    def get(self, path: Path) -> LoadedModel | None:
        """Return the loaded model of a file, if it is loaded."""
        with self._lock:
            resident = self._residents.get(path)
            return None if resident is None else resident.model

    def load(self, info: ModelInfo, progress: LoadProgress) -> LoadedModel:
        """Return the model, loading it first if need be.

        Raises:
            ModelError: it cannot be loaded.
            OutOfMemoryError: it does not fit beside the models that are in use.
        """
        if (model := self.get(info.path)) is not None:
            return model
        backend = self._backends.get(info.format)
        if backend is None:
            raise ModelError(f"Nothing here can run {info.format} models.")
        self._make_room(info)
        options = replace(self._options, available_bytes=self._available_bytes())
        model = backend.load(info, options, progress)
        with self._lock:
            self._residents[info.path] = Resident(model)
        return model

    def unload(self, info: ModelInfo) -> bool:
        """Let a model go; return False if it was not loaded.

        Raises:
            ModelError: requests are using it.
        """
        with self._lock:
            if users := self._leases[info.path]:
                what = "a request is" if users == 1 else f"{users} requests are"
                raise ModelError(f"{info.id} cannot be unloaded: {what} using it.", "Stop them first.")
            resident = self._residents.pop(info.path, None)
        if resident is not None:
            self._close(resident.model)
        return resident is not None

    def discard(self, model: LoadedModel) -> None:
        """Forget a model that broke and is closed already."""
        with self._lock:
            for path, resident in list(self._residents.items()):
                if resident.model is model:
                    del self._residents[path]

    def residents(self) -> tuple[Resident, ...]:
        """The models in memory."""
        with self._lock:
            return tuple(self._residents.values())

    def close(self) -> None:
        """Close all models at once; nothing may run them any more."""
        with self._lock:
            residents, self._residents = list(self._residents.values()), {}
        for resident in residents:
            resident.model.close()

    def hold(self, path: Path) -> None:
        """Count a holder of this file's model; for `Lease`."""
        with self._lock:
            self._leases[path] += 1

    def let_go(self, path: Path) -> None:
        """Undo one `hold`; for `Lease`."""
        with self._lock:
            self._leases[path] -= 1
            if resident := self._residents.get(path):
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

    def _take_idle(self) -> LoadedModel | None:
        """Take out the least recently used model that no request needs."""
        with self._lock:
            idle = [path for path in self._residents if not self._leases[path]]
            if not idle:
                return None
            oldest = min(idle, key=lambda path: self._residents[path].used_s)
            return self._residents.pop(oldest).model

    def _close(self, model: LoadedModel) -> None:
        closed = threading.Event()
        self._retire(model, closed.set)
        if not closed.wait(CLOSE_TIMEOUT_S):
            log.warning("%s has not left after %.0f s", model.info.id, CLOSE_TIMEOUT_S)


class Lease:
    """One request's hold on a model; ended by leaving the `with` block, wherever the request stands then.

    Thread: any; a hold that comes after the end is ignored, because the request has gone meanwhile.
    """

    def __init__(self, residency: Residency) -> None:
        self._residency = residency
        self._path: Path | None = None  # guarded by _lock
        self._is_ended = False  # guarded by _lock
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_ended = True
            if self._path is not None:
                self._residency.let_go(self._path)

    def hold(self, path: Path) -> None:
        """Keep the model of this file from being evicted."""
        with self._lock:
            if not self._is_ended and self._path is None:
                self._residency.hold(path)
                self._path = path


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
