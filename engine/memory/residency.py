"""Residency: which models are in memory, who needs them, and which one leaves when another wants its place."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from engine.backends.base import CPU_TARGET, Backend, DeviceTarget, LoadedModel, LoadOptions, LoadProgress, TextModel
from engine.cards import ModelDefaults
from engine.devices.machine import available_memory_bytes, memory_limit_bytes
from engine.errors import DeviceError, EngineError, ModelError, OutOfMemoryError
from engine.memory.budget import Room
from engine.memory.claims import Claim, Claims
from engine.memory.corrections import Corrections
from engine.memory.estimate import Estimates, Wishes
from engine.memory.fit_remedies import Budget, remedies
from engine.memory.lease import Lease as Lease
from engine.memory.ledger import MACHINE, PAGED_SHARE, Bytes, Ledger
from engine.memory.load_times import LoadTimes
from engine.memory.place import Place as Place
from engine.memory.place import place_of as place_of
from engine.memory.population import Population
from engine.memory.prefixes import PrefixStore, prefix_key
from engine.memory.resident import Resident as Resident
from engine.memory.shortage import Shortage, too_large
from engine.types import ModelInfo

log = logging.getLogger(__name__)

ONE_MODEL_AT_A_TIME = frozenset({"RPC"})
"""Interfaces whose devices hang while a second process wants them: llama.cpp's server talks to one client only."""

CLOSE_TIMEOUT_S = 30.0
"""Longest wait for a model to leave; a lane answers after one step."""

_FREE_S = 0.2
_LOOK_S = 0.1  # how often one that waits for another's load tells its progress, and hears whether it is still wanted


class _Flight:
    """A load that is going on."""

    def __init__(self) -> None:
        self.fraction = 0.0
        self.landed = threading.Event()


class Residency(Population):
    """Loads models within a budget, keeps them, and lets idle ones go when memory is short, the cheapest first.

    A lease marks a model that a request needs, from before it is loaded until the request has ended; a leased model is
    never evicted. No load holds up the use of other models, and loads on different devices go on at the same time; who
    wants what is being loaded already waits for that.

    Thread: any.

    Attributes:
        estimates: what loads will take.
        load_times: how long they take.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        options: LoadOptions,
        retire: Callable[[LoadedModel, Callable[[], None]], None],
        available_bytes: Callable[[], int] = available_memory_bytes,
        device_free_bytes: Callable[[str], int | None] = lambda _device: None,
        on_unloaded: Callable[[LoadedModel], None] = lambda _model: None,
        budget_bytes: int | None = None,
        prefixes: PrefixStore | None = None,
        corrections: Corrections | None = None,
        predict: Callable[[ModelInfo, int], float | None] = lambda _info, _room: None,
        gate: Callable[[ModelInfo, LoadProgress], None] = lambda _info, _progress: None,
        wishes: Wishes = lambda _info: ModelDefaults(),
    ) -> None:
        """Make an empty residency.

        Args:
            backends: by `ModelInfo.format`.
            options: how models are loaded.
            retire: calls `keep` and closes a model on the thread that runs it, then calls back.
            available_bytes: memory of the machine that can be taken now.
            device_free_bytes: free memory of a device that has its own; None if that is unknown.
            on_unloaded: told of a model that has gone.
            budget_bytes: most of the machine's memory that all models together may take; None sets no limit.
            prefixes: keeps what models have read while they have no memory for it; None keeps nothing.
            corrections: what loads have shown of architectures; None forgets that.
            predict: tokens per second of a model that is paged in so much memory; None if that is unknown.
            gate: raises if a model's file must not be loaded; called before each load that has room, and told how to
                hear that it is not wanted any more.
            wishes: what a person has set for a model.
        """
        super().__init__(Ledger(budget_bytes, self._free_bytes))
        self.estimates = Estimates(options, corrections, wishes)
        self._claims = Claims(self._ledger, self.estimates, device_free_bytes)
        self.load_times = LoadTimes()
        self._backends = backends
        self._retire = retire
        self._available_bytes = available_bytes
        self._device_free_bytes = device_free_bytes
        self._on_unloaded = on_unloaded
        self._prefixes = prefixes
        self._predict = predict
        self._gate = gate
        self._flights: dict[Place, _Flight] = {}  # guarded by _lock
        self._free: dict[str, tuple[float, int | None]] = {}  # when the system was asked, and what it said
        self._room_lock = threading.Lock()  # two loads must not count on the same free memory

    def room_for(
        self,
        info: ModelInfo,
        target: DeviceTarget = CPU_TARGET,
        needed_bytes: int = 0,
        spare: Collection[Place] = (),
    ) -> Room:
        """How room can be made for a model; the keys are places. Takes microseconds once the model's header is known.

        Args:
            info: which model.
            target: where it is to be loaded.
            needed_bytes: of the device's own memory, as far as it has any.
            spare: models that must stay now, whatever they are worth.
        """
        room = self._claims.of(info, target, needed_bytes, spare).room
        if target.interface in ONE_MODEL_AT_A_TIME:
            there = [it for it in self.residents() if set(it.place.devices) & set(target.device.split("+"))]
            busy = tuple(it.place for it in there if it.holders or it.is_pinned or it.place in spare)
            idle = [it.place for it in there if it.place not in busy]
            victims = tuple(dict.fromkeys((*idle, *room.victims)))
            room = replace(room, victims=victims, busy=(*room.busy, *busy), fits=room.fits and not busy)
        return room

    def load(
        self,
        info: ModelInfo,
        progress: LoadProgress,
        target: DeviceTarget = CPU_TARGET,
        needed_bytes: int = 0,
        spare: Collection[Place] = (),
    ) -> LoadedModel:
        """Return the model, loading it first if need be; waits for a load of the same model that is going on.

        Args:
            info: which model.
            progress: told how far it is.
            target: where to load it.
            needed_bytes: of the device's own memory, as far as it has any.
            spare: models that must not leave for it.

        Raises:
            ModelError: it cannot be loaded.
            OutOfMemoryError: it does not fit beside the models that are in use.
            DeviceError: the device cannot be used.
            EngineError: `progress` cancelled it.
        """
        place, flight = place_of(info, target), _Flight()
        while True:
            with self._lock:
                if (model := self._residents.get(place)) is not None:
                    return model
                other = self._flights.setdefault(place, flight)
            if other is flight:
                break
            while not other.landed.wait(_LOOK_S):
                if not progress(other.fraction):
                    raise EngineError(f"Loading {info.name} was cancelled.")

        def watched(fraction: float) -> bool:
            flight.fraction = fraction
            return progress(fraction)

        try:
            return self._load(place, info, watched, target, needed_bytes, spare)
        finally:
            with self._lock:
                del self._flights[place]
            flight.landed.set()

    def unload(self, info: ModelInfo) -> bool:
        """Let a model go, wherever it is, and forget that it was pinned; return False if it was not loaded.

        Raises:
            ModelError: requests are using it, or wait for it.
        """
        if users := self._ledger.users(info.path):
            what = "a request is" if users == 1 else f"{users} requests are"
            raise ModelError(f"{info.id} cannot be unloaded: {what} using it.", "Stop them first.")
        self._ledger.pin(info.path, is_pinned=False)
        with self._lock:
            places = [place for place in self._residents if place.path == info.path]
        gone = [self.evict(place) for place in places]
        return any(gone)

    @property
    def budget_bytes(self) -> int | None:
        """Most of the machine's memory that all models together may take; None if there is no limit."""
        return self._ledger.limit_bytes

    def attainable_bytes(self, info: ModelInfo, *, is_paged: bool = False) -> int:
        """Machine's memory that a model could have now: what is left, what idle ones hold, and what it holds itself.

        Args:
            info: which model.
            is_paged: whether it is to be paged, and leaves a part of what is free to others.
        """
        share = PAGED_SHARE if is_paged else 1.0
        found = self._ledger.attainable_bytes(only_idle=True, free_share=share)
        own = [it for it in self.residents() if it.place.path == info.path and (it.holders or it.is_pinned)]
        return (self._available_bytes() if found is None else found) + sum(it.size_bytes for it in own)

    def set_budget(self, budget_bytes: int | None) -> None:
        """Change the budget; `keep_to_budget` lets go what is too much."""
        self._ledger.set_limit(budget_bytes)

    def keep_to_budget(self) -> int:
        """Let idle models go until the others are within the budget, as far as that goes; returns how many went."""
        if self._ledger.limit_bytes is None:
            return 0
        room, _ = self._ledger.room({MACHINE: 0})
        # Where even all of them are not enough, none is named; then all that can go do.
        chosen = room.victims if room.fits or room.victims else [it.place for it in self.residents()]
        return sum(self.evict(place) for place in chosen if isinstance(place, Place))

    def evict(self, place: Place) -> bool:
        """Let an idle model go now, and wait until it has; False if it is in use, pinned, or not loaded."""
        with self._lock:
            if place not in self._residents or not self._ledger.leave(place, if_idle=True):
                return False
            model = self._residents.pop(place)
        self._close(model)
        return True

    def keep(self, model: LoadedModel) -> None:
        """Take what a model has read, before it is closed; it is written soon.

        Thread: the model's lane.
        """
        if isinstance(model, TextModel):
            for conversation in model.conversations():
                model.tier.store(conversation)

    def close(self) -> None:
        """Close all models at once, and write what they have read; nothing may run them any more."""
        with self._lock:
            residents, self._residents = self._residents, {}
        for place, model in residents.items():
            self._ledger.leave(place)
            self.keep(model)
            model.close()
        if self._prefixes is not None:
            self._prefixes.close()

    def _load(
        self,
        place: Place,
        info: ModelInfo,
        progress: LoadProgress,
        target: DeviceTarget,
        needed_bytes: int,
        spare: Collection[Place],
    ) -> LoadedModel:
        backend = self._backends.get(info.format)
        if backend is None:
            raise ModelError(f"Nothing here can run {info.format} models.")
        self._note_file(place)
        self.load_times.meet(place, info.id, info.size_bytes)
        with self._room_lock:
            if target.interface in ONE_MODEL_AT_A_TIME:
                self._clear(target.device)
            claim = self._make_room(info, target, needed_bytes, spare)
            allowed = self._allowed(info, target, claim)
            self._ledger.expect(place, claim.needs, self.load_times.of(place))
        options = replace(self.estimates.options(info), available_bytes=allowed, target=target, paged=claim.is_paged)
        if claim.is_paged:
            options = replace(options, predicted_tokens_per_s=self._predict(info, claim.needs[MACHINE]) or 0.0)
        try:
            self._gate(info, progress)
            began_s = time.monotonic()
            model = backend.load(info, options, progress)
            self.load_times.note(place, time.monotonic() - began_s)
        except BaseException:
            self._ledger.leave(place)
            raise
        try:
            self._admit(place, info, model, options)
        except BaseException:
            self._ledger.leave(place)
            model.close()
            raise
        return model

    def _admit(self, place: Place, info: ModelInfo, model: LoadedModel, options: LoadOptions) -> None:
        """Take in a model that was loaded; if it is larger than it seemed, others go, or it goes itself."""
        sizes = self._sizes(model)
        took = model.memory_bytes - model.whereabouts.device_bytes + _parking(model)
        if not options.paged:
            self.estimates.learn(info, options.target, options.available_bytes or 0, took)
        if self._prefixes is not None and isinstance(model, TextModel):
            key = prefix_key(model, self._backends)
            if key is not None:
                model.tier = self._prefixes.of(key, whole=not model.can_cut_states)
        with self._room_lock:
            self._ledger.enter(place, sizes, self.load_times.of(place))
            room, shortage = self._ledger.room(dict.fromkeys(sizes, 0), spare=(place,))
            if shortage is not None and self._ledger.limit_bytes is not None:
                needed = sizes[MACHINE]
                shortage = Shortage(MACHINE, needed, needed - room.missing_bytes)
                raise too_large(info, shortage, self._ledger.limit_bytes)
            self._evict_all(room, info)
            with self._lock:
                self._residents[place] = model
        if self.estimates.wishes(info).is_pinned:
            self.pin(info)
        self._free.clear()

    def _allowed(self, info: ModelInfo, target: DeviceTarget, claim: Claim) -> int:
        """What to tell the backend that it may take."""
        left = self._ledger.left_bytes()
        left = self._available_bytes() if left is None else left
        left = min(left, self.estimates.wishes(info).memory_budget_bytes or left)
        if claim.is_paged:
            left = min(left, claim.needs[MACHINE])
        return self.estimates.allowance(info, target, left, is_paged=claim.is_paged)

    def _make_room(self, info: ModelInfo, target: DeviceTarget, needed_bytes: int, spare: Collection[Place]) -> Claim:
        """Let models go until this one fits; returns what it is expected to take."""
        self._refresh()
        while True:
            self._free.clear()
            claim = self._claims.of(info, target, needed_bytes, spare)
            if claim.shortage is not None:
                raise self._refusal(info, target, claim.shortage)
            if not self._evict_all(claim.room, info):
                return claim

    def _refusal(self, info: ModelInfo, target: DeviceTarget, shortage: Shortage) -> OutOfMemoryError:
        """The error of a model that does not fit, with what would make it fit."""
        limit = self._ledger.limit_bytes
        size = self.estimates.size(info, target, is_paged=True)
        budget = Budget(
            size_bytes=shortage.most_bytes,
            is_set=limit is not None,
            others_bytes=0 if limit is None else max(0, limit - shortage.most_bytes),
            machine_bytes=memory_limit_bytes(),
        )
        return too_large(info, shortage, limit, [remedy.sentence for remedy in remedies(size, budget)])

    def _evict_all(self, room: Room, info: ModelInfo) -> bool:
        """Let those go that a room names; False if there are none."""
        for place in room.victims:
            assert isinstance(place, Place)
            if self.evict(place):
                log.info("%s left %s to make room for %s", place.path.stem, place.device, info.id)
        return bool(room.victims)

    def _sizes(self, model: LoadedModel) -> Bytes:
        """What a loaded model takes of each memory, with what it has promised to conversations."""
        elsewhere = model.whereabouts.device_bytes
        sizes = {MACHINE: model.memory_bytes - elsewhere + _parking(model)}
        parts = model.device.split("+")
        for part in parts if elsewhere else []:
            memory = MACHINE if self._device_free_bytes(part) is None else part
            sizes[memory] = sizes.get(memory, 0) + elsewhere // len(parts)
        return sizes

    def _free_bytes(self, memory: str) -> int | None:
        """What a memory has free, as it was a moment ago: asking the system takes longer than all the rest."""
        now_s = time.monotonic()
        asked_s, free = self._free.get(memory, (-_FREE_S, None))
        if now_s - asked_s >= _FREE_S:
            free = self._available_bytes() if memory == MACHINE else self._device_free_bytes(memory)
            self._free[memory] = (now_s, free)
        return free

    def _refresh(self) -> None:
        """Note what models take now: a graph's memory grows with what it is given."""
        for resident in self.residents():
            sizes = self._sizes(resident.model)
            if sizes[MACHINE] != resident.size_bytes:
                self._ledger.resize(resident.place, sizes)

    def _clear(self, device: str) -> None:
        there = [it.place for it in self.residents() if set(it.place.devices) & set(device.split("+"))]
        for place in there:
            if not self.evict(place):
                raise DeviceError(f"{device} takes one model at a time, and {place.path.stem} is in use there.")

    def _close(self, model: LoadedModel) -> None:
        closed = threading.Event()
        self._retire(model, closed.set)
        if not closed.wait(CLOSE_TIMEOUT_S):
            log.warning("%s has not left after %.0f s", model.info.id, CLOSE_TIMEOUT_S)
        self._free.clear()
        self._on_unloaded(model)


def _parking(model: LoadedModel) -> int:
    return model.parking_bytes if isinstance(model, TextModel) else 0
