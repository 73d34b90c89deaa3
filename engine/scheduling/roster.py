"""Roster: all requests that have not ended, and the models that they need: what is known, not what is decided.

It has no clock and no threads, so that a simulator can replay a trace through the same code as the engine: whoever uses
it says what time it is.
"""

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Final, Protocol

from engine.scheduling.entries import Entry, Need
from engine.scheduling.service_shares import ServiceShares
from engine.scheduling.table import Table

_LATENESS_KEPT: Final = 0.8


class Room(Protocol):
    """How room can be made for a model: `engine.memory.budget.Room` is one."""

    @property
    def fits(self) -> bool:
        """Whether it fits once the idle ones among the others have gone that may go."""

    @property
    def busy(self) -> Collection[Hashable]:
        """If it does not fit: keys of those in use whose leaving would make it fit."""

    @property
    def evicted_bytes(self) -> int:
        """Of those that must go."""


class Roster:
    """Requests and models, and what is known about both. Not thread-safe.

    Attributes:
        needs: models by key.
        tables: what waits and runs, as columns, by lane.
        headroom: 1 where heat and battery allow work that nobody waits for, 0 where they do not.
        is_paused: whether nothing new may begin.
        service: what each client has had of the lanes.
        version: changes with everything that can change a decision, besides time and steps.
    """

    def __init__(self, room_for: Callable[[Need, Collection[Hashable]], Room]) -> None:
        """Make an empty roster.

        Args:
            room_for: how room can be made for a model without touching those of these keys.
        """
        self.needs: dict[Hashable, Need] = {}
        self.tables: dict[str, Table] = {}
        self.headroom = 1.0
        self.is_paused = False
        self.version = 0
        self.room_for = room_for
        self.service = ServiceShares()
        self._ids = itertools.count()

    def add_need(self, need: Need) -> Need:
        """Add a model, unless one with this key is there; return the one that is."""
        known = self.needs.get(need.key)
        if known is not None:
            return known
        self.needs[need.key] = need
        self._table(need.lane).add_need(need)
        return need

    def add(self, entry: Entry) -> None:
        """Add a request that waits."""
        if entry.id < 0:
            entry.id = next(self._ids)
        self.service.come(entry.client)
        entry.need.waiting[entry.id] = entry
        self._table(entry.need.lane).add(entry)
        self.version += 1

    def remove(self, entry: Entry) -> None:
        """Take a request out, wherever it stands."""
        if entry.row < 0:
            return
        entry.need.waiting.pop(entry.id, None)
        if entry.need.running.pop(entry.id, None) is not None:
            entry.need.is_full = False
        self._table(entry.need.lane).remove(entry)
        self.service.go(entry.client)
        self.version += 1

    def begin(self, entry: Entry, now_s: float) -> None:
        """Give a waiting request a place in the batch."""
        del entry.need.waiting[entry.id]
        entry.need.running[entry.id] = entry
        entry.is_running = True
        entry.began_s = now_s if entry.began_s is None else entry.began_s
        entry.stepped_s, entry.steps = now_s, 0
        self.changed(entry)

    def suspend(self, entry: Entry) -> None:
        """Let a running request wait again; what it has so far stays."""
        if entry.need.running.pop(entry.id, None) is None:
            return
        entry.need.is_full = False
        entry.need.waiting[entry.id] = entry
        entry.is_running = False
        self.changed(entry)

    def stepped(self, entry: Entry, now_s: float, lane_s: float, *, read: int = 0, written: int = 0) -> None:
        """Note what a step did for a request, and its share of the lane's time."""
        entry.stepped_s = now_s
        entry.steps += 1
        entry.read_tokens += read
        entry.written_tokens += written
        if entry.first_s is None and written:
            entry.first_s = now_s
        self.service.charge(entry.client, lane_s)
        self._table(entry.need.lane).update(entry)

    def first_token(self, entry: Entry, now_s: float) -> None:
        """Note that the first token of a request is there."""
        late = (now_s - entry.arrived_s) / entry.due_s
        need = entry.need
        need.lateness = late if not need.lateness else _LATENESS_KEPT * need.lateness + (1 - _LATENESS_KEPT) * late

    def changed(self, entry: Entry) -> None:
        """Note that something about a request was changed by its owner."""
        if entry.row >= 0:
            self._table(entry.need.lane).update(entry)
        self.version += 1

    def set_resident(self, need: Need, now_s: float, *, is_resident: bool) -> None:
        """Note that a model has come or gone; with it go the places of those that run."""
        need.is_resident = is_resident
        need.is_loading = need.is_frozen = need.is_leaving = need.is_full = False
        if is_resident:
            need.resident_s = now_s
        for entry in list(need.running.values()) if not is_resident else ():
            self.suspend(entry)
        self.version += 1

    def needs_of(self, lane: str) -> list[Need]:
        """The models of a lane."""
        table = self.tables.get(lane)
        return [] if table is None else table.needs

    def needs_on(self, device: str) -> list[Need]:
        """The models of a device."""
        return [need for need in self.needs.values() if need.device == device]

    def entries(self) -> Iterable[Entry]:
        """All requests, in no order."""
        return itertools.chain.from_iterable(table.entries for table in self.tables.values())

    def _table(self, lane: str) -> Table:
        table = self.tables.get(lane)
        if table is None:
            table = self.tables[lane] = Table()
        return table
