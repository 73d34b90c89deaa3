"""Ledger: who is in which memory, who needs it, and what would have to leave: one budget for each memory."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from engine.memory.budget import Holding, MemoryBudget, Room
from engine.memory.place import Place
from engine.memory.shortage import MACHINE as MACHINE
from engine.memory.shortage import Shortage
from engine.memory.uses import Uses

PAGED_SHARE: Final = 0.9
"""Of what is free to all programs, what a model may take that is paged: it takes all that it may, and the rest is left
to them."""

Bytes = Mapping[str, int]
"""Bytes by memory."""


class Ledger(Uses):
    """Budgets of all memories, and who holds, wants and pins the models in them.

    A model that is being loaded counts already, and cannot leave.

    Thread: any.
    """

    def __init__(self, limit_bytes: int | None, free_bytes: Callable[[str], int | None]) -> None:
        """Make an empty one.

        Args:
            limit_bytes: of the machine's memory, for all models together; None sets no limit.
            free_bytes: what a memory has free now; None if that is unknown.
        """
        super().__init__({MACHINE: MemoryBudget(limit_bytes)})  # every model is in the machine's
        self._free_bytes = free_bytes
        self._coming: dict[Place, Bytes] = {}  # guarded by _lock

    @property
    def limit_bytes(self) -> int | None:
        """Most of the machine's memory that all models together may take."""
        return self._budgets[MACHINE].limit_bytes

    def set_limit(self, limit_bytes: int | None) -> None:
        """Change it. What is in memory stays there; `room` says what has to leave."""
        with self._lock:
            self._budgets[MACHINE].set_limit(limit_bytes)

    def holding(self, place: Place) -> Holding | None:
        """What is known of a model in memory, at this moment; None if it is not."""
        with self._lock:
            return self._budgets[MACHINE].holdings.get(place)

    def expect(self, place: Place, sizes: Bytes, reload_s: float) -> None:
        """Count a model that is about to be loaded."""
        with self._lock:
            self._coming[place] = sizes
            self._put(place, sizes, reload_s)

    def enter(self, place: Place, sizes: Bytes, reload_s: float) -> None:
        """Note what a loaded model takes; of one that is there already, what it takes now."""
        with self._lock:
            self._coming.pop(place, None)
            self._put(place, sizes, reload_s)

    def resize(self, place: Place, sizes: Bytes) -> None:
        """Note that a model takes another size than before; nothing happens if it has left."""
        with self._lock:
            if (known := self._budgets[MACHINE].holdings.get(place)) is not None and place not in self._coming:
                self._put(place, sizes, known.reload_s)

    def leave(self, place: Place, *, if_idle: bool = False) -> bool:
        """Note that a model leaves; False if it has to stay: only an idle one was to leave, and it is not.

        Args:
            place: of the model.
            if_idle: refuse if a request uses it, if it is pinned, being loaded, or not there.
        """
        with self._lock:
            here = self._budgets[MACHINE].holdings.get(place)
            if if_idle and (here is None or here.holders or here.is_pinned or place in self._coming):
                return False
            self._coming.pop(place, None)
            for budget in self._budgets.values():
                budget.remove(place)
            return True

    def left_bytes(self) -> int | None:
        """What the machine's budget has left, and the machine too; None if neither has a number."""
        free = self._free_bytes(MACHINE)  # outside the lock: it may ask who is here
        with self._lock:
            machine = self._budgets[MACHINE]
            left = None if machine.limit_bytes is None else machine.limit_bytes - machine.used_bytes
            free = self._unpromised(MACHINE, free)
            return free if left is None else left if free is None else min(left, free)

    def attainable_bytes(
        self, spare: Collection[Place] = (), *, only_idle: bool = False, free_share: float = 1.0
    ) -> int | None:
        """Most of the machine's memory that one model could have; None if that has no number.

        Args:
            spare: models that must stay now, if only idle ones are to leave.
            only_idle: count what could be had now; otherwise also what is in use. Pinned ones stay in any case.
            free_share: of what is free to all programs now, the share that counts.
        """
        free = self._free_bytes(MACHINE)  # outside the lock: it may ask who is here
        with self._lock:
            machine = self._budgets[MACHINE]
            stay = {*spare, *self._coming} if only_idle else set[Place]()
            movable = sum(
                holding.size_bytes
                for key, holding in machine.holdings.items()
                if not holding.is_pinned and key not in stay and not (only_idle and holding.holders)
            )
            left = None if machine.limit_bytes is None else machine.limit_bytes - machine.used_bytes
            free = self._unpromised(MACHINE, free)
            rooms = [left, None if free is None else int(free * free_share)]
            known = [room for room in rooms if room is not None]
            return max(0, min(known) + movable) if known else None

    def room(self, needs: Bytes, spare: Collection[Place] = ()) -> tuple[Room, Shortage | None]:
        """How to make room in several memories at once, and, if it cannot be made now, where it is missing."""
        rooms: list[Room] = []
        shortage: Shortage | None = None
        now_s = time.monotonic()
        free = {memory: self._free_bytes(memory) for memory in needs}  # outside the lock: it may ask who is here
        with self._lock:
            stay = {*spare, *self._coming}
            for memory, size in needs.items():
                budget = self._budgets.get(memory) or MemoryBudget()
                room = budget.room_for(size, now_s, stay, self._unpromised(memory, free[memory]))
                rooms.append(room)
                if not room.fits and shortage is None:
                    shortage = Shortage(memory, size, size - room.missing_bytes)
            machine = self._budgets[MACHINE].holdings
            return _joined(rooms, {key: it.size_bytes for key, it in machine.items()}), shortage

    def _put(self, place: Place, sizes: Bytes, reload_s: float) -> None:
        now_s = time.monotonic()
        machine = self._budgets[MACHINE]
        machine.add(place, sizes.get(MACHINE, 0), reload_s, now_s)
        machine.pin(place, place.path in self._pinned)
        for memory in sizes.keys() - {MACHINE}:
            budget = self._budgets.setdefault(memory, MemoryBudget())
            budget.add(place, sizes[memory], reload_s, now_s)
            budget.adopt(machine.holdings[place])

    def _unpromised(self, memory: str, free_bytes: int | None) -> int | None:
        """What is free without what is promised to models that are being loaded."""
        if free_bytes is None:
            return None
        return max(0, free_bytes - sum(sizes.get(memory, 0) for sizes in self._coming.values()))


def _joined(rooms: list[Room], sizes: Mapping[object, int]) -> Room:
    """One answer for several memories."""
    if len(rooms) == 1:
        return rooms[0]
    victims = tuple(dict.fromkeys(victim for room in rooms for victim in room.victims))
    fits = all(room.fits for room in rooms)
    can_wait = all(room.fits or room.busy for room in rooms)
    return Room(
        fits=fits,
        victims=victims if can_wait else (),
        missing_bytes=sum(room.missing_bytes for room in rooms),
        busy=tuple(dict.fromkeys(busy for room in rooms for busy in room.busy)) if can_wait else (),
        evicted_bytes=sum(sizes.get(victim, 0) for victim in victims) if can_wait else 0,
    )
