"""Population: the models in memory, and who needs them; how they come and go is `Residency`'s."""

import threading
import time
from pathlib import Path

from engine.backends.base import LoadedModel
from engine.memory.lease import Lease
from engine.memory.ledger import MACHINE, Ledger
from engine.memory.place import Place
from engine.memory.resident import Resident
from engine.models.model_file import Stamp, stamp_of
from engine.types import ModelInfo


class Population:
    """The models in memory.

    Thread: any.
    """

    def __init__(self, ledger: Ledger) -> None:
        """Start with none.

        Args:
            ledger: keeps count of who holds and wants them.
        """
        self._ledger = ledger
        self._residents: dict[Place, LoadedModel] = {}  # guarded by _lock
        self._stamps: dict[Place, Stamp | None] = {}  # guarded by _lock; of files, when they were loaded
        self._lock = threading.Lock()

    @property
    def pinned(self) -> frozenset[Path]:
        """Files of the models that were pinned, loaded or not."""
        return self._ledger.pinned

    def lease(self) -> Lease:
        """Make a lease that holds nothing yet."""
        return Lease(self._ledger)

    def get(self, place: Place) -> LoadedModel | None:
        """Return the loaded model of a file on a device, if it is loaded there."""
        with self._lock:
            return self._residents.get(place)

    def use(self, place: Place) -> LoadedModel | None:
        """Return a loaded model and keep it until `let_go`; None if it is not there."""
        with self._lock:
            model = self._residents.get(place)
            if model is not None:
                self._ledger.hold(place)
            return model

    def let_go(self, place: Place) -> None:
        """Undo one `use`."""
        self._ledger.let_go(place)

    def discard(self, model: LoadedModel) -> None:
        """Forget a model that broke and is closed already."""
        with self._lock:
            for place in [place for place, resident in self._residents.items() if resident is model]:
                del self._residents[place]
                self._ledger.leave(place)

    def residents(self) -> tuple[Resident, ...]:
        """The models in memory."""
        with self._lock:
            models = list(self._residents.items())
        return tuple(self._describe(place, model) for place, model in models)

    def users(self, path: Path) -> int:
        """Requests that use the model of a file, or wait for it."""
        return self._ledger.users(path)

    def changed(self, path: Path) -> tuple[Place, ...]:
        """Where a file's model is loaded that was another one then; its weights may be changing under it."""
        now = _stamp(path)
        with self._lock:
            return tuple(it for it in self._residents if it.path == path and self._stamps.get(it, now) != now)

    def evictable_bytes(self, device: str) -> int:
        """Bytes of a device's own memory, or of the machine's for the processor, that idle models hold."""
        idle = [it.model for it in self.residents() if not it.holders and not it.is_pinned]
        if device == MACHINE:
            return sum(model.memory_bytes - model.whereabouts.device_bytes for model in idle)
        return sum(model.whereabouts.device_bytes for model in idle if device in model.device.split("+"))

    def pin(self, info: ModelInfo, is_pinned: bool = True) -> None:
        """Keep a model in memory from when it is loaded, or no longer; ends when a person unloads it."""
        self._ledger.pin(info.path, is_pinned)

    def _note_file(self, place: Place) -> None:
        stamp = _stamp(place.path)
        with self._lock:
            self._stamps[place] = stamp

    def _describe(self, place: Place, model: LoadedModel) -> Resident:
        now_s = time.monotonic()
        known = self._ledger.holding(place)
        if known is None:  # it is leaving just now
            return Resident(model=model, place=place, used_s=now_s)
        return Resident(
            model=model,
            place=place,
            used_s=known.used_s,
            holders=known.holders,
            waiting=known.wanted,
            is_pinned=known.is_pinned,
            cost_s=known.cost_s(now_s),
            size_bytes=known.size_bytes,
        )


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path)
    except OSError:
        return None
