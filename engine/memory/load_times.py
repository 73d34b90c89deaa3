"""How long models take to load: measured, and for those never loaded, by the bytes per second of the others."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.memory.place import Place

_NEW_SHARE: Final = 0.5  # of the newest load; a first load reads the disk, a second one often not
_USUAL_BYTES_PER_S: Final = 500e6  # a guess, until something was loaded


class LoadTimes:
    """Seconds that loading takes, by model and device.

    Thread: any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, float] = {}  # guarded by _lock
        self._names: dict[Place, str] = {}  # guarded by _lock
        self._sizes: dict[Path, int] = {}  # guarded by _lock
        self._bytes_per_s: float | None = None  # guarded by _lock

    def meet(self, place: Place, model_id: str, size_bytes: int) -> None:
        """Hear of a model, so that its place tells its name and its size."""
        with self._lock:
            self._names[place] = model_id if place.device == Place(place.path).device else f"{model_id}@{place.device}"
            self._sizes[place.path] = size_bytes

    def note(self, place: Place, took_s: float) -> None:
        """A model that was met has been loaded."""
        with self._lock:
            name, rate = self._names[place], self._sizes[place.path] / max(1e-3, took_s)
            self._seconds[name] = _mixed(self._seconds.get(name), took_s)
            self._bytes_per_s = _mixed(self._bytes_per_s, rate)

    def of(self, place: Place) -> float:
        """Seconds that loading a model there takes, as far as is known."""
        with self._lock:
            known = self._seconds.get(self._names.get(place, ""))
            if known is not None:
                return known
            size = self._sizes.get(place.path, 0)
            return size / (self._bytes_per_s or _USUAL_BYTES_PER_S)

    def seconds(self) -> Mapping[str, float]:
        """What was measured, by id of the model, with `@DEVICE` behind it if that is not the processor."""
        with self._lock:
            return dict(self._seconds)

    def teach(self, seconds: Mapping[str, float]) -> None:
        """Take back what `seconds` gave earlier; what was measured since counts more."""
        with self._lock:
            self._seconds = {**seconds, **self._seconds}


def _mixed(before: float | None, new: float) -> float:
    return new if before is None else (1 - _NEW_SHARE) * before + _NEW_SHARE * new
