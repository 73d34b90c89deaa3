"""Rosters to decide about, without a clock and without models."""

from collections.abc import Collection, Hashable

from engine.memory.budget import MemoryBudget, Room
from engine.requests import Urgency
from engine.scheduling.entries import DUE_S, Entry, Need
from engine.scheduling.policy import Turn
from engine.scheduling.roster import Roster

LANE = "cpu"


class World:
    """A roster, the budget of its memory, and shorthands."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        self.now_s = 100.0
        self.budget = MemoryBudget(limit_bytes)
        self.roster = Roster(self._room_for)

    def need(self, name: str, *, lane: str = LANE, resident: bool = True, size: int = 1, slots: int = 4) -> Need:
        need = self.roster.add_need(
            Need(key=name, name=name, lane=lane, device="cpu", size_bytes=size, slots=slots, load_s=1.0, row_s=0.01)
        )
        if resident:
            self.load(need)
        return need

    def load(self, need: Need) -> None:
        self.budget.add(need.key, need.size_bytes, need.load_s, self.now_s)
        self.roster.set_resident(need, self.now_s, is_resident=True)

    def ask(self, need: Need, **facts) -> Entry:
        facts.setdefault("arrived_s", self.now_s)
        urgency = facts.setdefault("urgency", Urgency.INTERACTIVE)
        facts.setdefault("due_s", DUE_S[urgency])
        entry = Entry(need=need, **facts)
        self.roster.add(entry)
        return entry

    def run(self, *entries: Entry) -> None:
        for entry in entries:
            self.roster.begin(entry, self.now_s)
            self.budget.hold(entry.need.key, self.now_s)

    def suspend(self, entry: Entry) -> None:
        self.budget.let_go(entry.need.key, self.now_s)
        self.roster.suspend(entry)

    def end(self, *entries: Entry) -> None:
        for entry in entries:
            if entry.is_running:
                self.budget.let_go(entry.need.key, self.now_s)
            self.roster.remove(entry)

    def carry_out(self, turn: Turn) -> None:
        for entry in turn.suspend:
            self.suspend(entry)
        self.run(*turn.admit)

    def _room_for(self, need: Need, spare: Collection[Hashable]) -> Room:
        return self.budget.room_for(need.size_bytes, self.now_s, spare)
