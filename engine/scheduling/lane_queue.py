"""LaneQueue: the queue as a lane sees it: what to do next, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.backends.base import LoadedModel
from engine.scheduling.entries import Entry, Need
from engine.scheduling.job import Job
from engine.scheduling.policy import Turn
from engine.scheduling.queue_state import QueueState, ticket_of
from engine.scheduling.tickets import Ticket

_REFRESH_STEPS: Final = 32
"""What was learned about a model is looked up anew after this many steps."""

_MORE: Final = 0.25
"""An answer that outgrows what was expected is expected to grow by this share."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step did for one request.

    Attributes:
        job: the request.
        read: prompt tokens.
        written: tokens, texts or images.
        is_over: whether it has ended.
    """

    job: Job
    read: int = 0
    written: int = 0
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits and runs on a lane, by `id()` of the loaded model.

    Attributes:
        waiting: jobs not begun, also those whose model is not loaded.
        running: jobs that have a place.
        waiting_by_model: of `waiting`, those whose model is loaded.
        running_by_model: of `running`.
        left_by_model: tokens until all that runs has ended.
    """

    waiting: int
    running: int
    waiting_by_model: dict[int, int]
    running_by_model: dict[int, int]
    left_by_model: dict[int, int]


NOTHING: Final = Counts(0, 0, {}, {}, {})


class LaneQueue:
    """The part of the queue that one lane works on.

    Thread: the lane's, unless it says otherwise.
    """

    def __init__(self, lane: str, state: QueueState) -> None:
        self.lane = lane
        self._state = state
        self._steps = 0

    def turn(self) -> tuple[Turn, LoadedModel] | None:
        """What to do next, and with which model; None if there is nothing to do now."""
        state = self._state
        with state.changed:
            state.look()
            leaving = (n for n in state.roster.needs_of(self.lane) if n.is_leaving and n.running)
            if (need := next(leaving, None)) is not None:
                turn: Turn | None = Turn(need=need, suspend=tuple(need.running.values()))
            else:
                turn = state.policy.turn(state.roster, self.lane, state.clock())
            model = None if turn is None else state.models.get(turn.need.key)
            return None if turn is None or model is None else (turn, model)

    def begin(self, entry: Entry) -> None:
        """Note that a request has its place."""
        state = self._state
        with state.changed:
            if entry.row >= 0:
                state.roster.begin(entry, state.clock())

    def refuse(self, need: Need) -> None:
        """Note that a model has no room for more until one of its requests leaves."""
        with self._state.changed:
            need.is_full = True

    def suspend(self, entry: Entry) -> None:
        """Note that a request has left its place."""
        with self._state.changed:
            self._state.roster.suspend(entry)
            self._state.notify()

    def stepped(self, need: Need, progress: Sequence[Progress], lane_s: float) -> None:
        """Note what a step of this many seconds did."""
        state = self._state
        self._steps += 1
        with state.changed:
            now_s = state.clock()
            for one in progress:
                entry = one.job.ticket.entry
                if entry is None or entry.row < 0:
                    continue
                had_none = not entry.written_tokens
                written = entry.written_tokens + one.written
                if one.written and written >= entry.output_tokens:
                    entry.output_tokens = written + max(1, int(_MORE * written))
                state.roster.stepped(entry, now_s, lane_s / len(progress), read=one.read, written=one.written)
                if had_none and one.written:
                    state.roster.first_token(entry, now_s)
                if one.is_over:
                    self._learn_from(one.job, need)
                    self._end(entry)
            if self._steps % _REFRESH_STEPS == 0:
                state.refresh(need)

    def drop(self, entry: Entry) -> None:
        """Take out a request that nobody waits for any more."""
        with self._state.changed:
            self._end(entry)

    def left(self, model: LoadedModel) -> list[Ticket]:
        """Note that a model is not there any more; return the requests that need it, those that ran first."""
        state = self._state
        with state.changed:
            need = self._need_of(model)
            if need is None:
                return []
            tickets = [ticket_of(entry) for entry in (*need.running.values(), *need.waiting.values())]
            state.models.pop(need.key, None)
            state.roster.set_resident(need, state.clock(), is_resident=False)
            for ticket in tickets:
                ticket.is_started = False
                if ticket.entry is not None:
                    ticket.entry.is_ready = False
                    ticket.entry.known_tokens = 0
                    state.roster.changed(ticket.entry)
            state.notify()
            return tickets

    def chores(self) -> tuple[list[Job], list[Ticket]]:
        """Requests that ended while they were suspended, and those that have become ready; each is returned once."""
        with self._state.changed:
            return self._state.orphans.pop(self.lane, []), self._state.fresh.pop(self.lane, [])

    def know(self, ticket: Ticket, tokens: int) -> None:
        """Note how many tokens of a request's prompt need not be read again."""
        with self._state.changed:
            if tokens and (entry := ticket.entry) is not None and entry.row >= 0:
                entry.known_tokens = tokens
                self._state.roster.changed(entry)

    def running(self) -> list[Ticket]:
        """The requests that have a place on this lane."""
        with self._state.changed:
            needs = self._state.roster.needs_of(self.lane)
            return [ticket_of(entry) for need in needs for entry in need.running.values()]

    def tickets(self) -> list[Ticket]:
        """All requests on this lane."""
        with self._state.changed:
            table = self._state.roster.tables.get(self.lane)
            return [] if table is None else [ticket_of(entry) for entry in table.entries]

    def counts(self) -> Counts:
        """How many wait and run. Thread: any."""
        state = self._state
        with state.changed:
            needs = state.roster.needs_of(self.lane)
            here = [(need, id(model)) for need in needs if (model := state.models.get(need.key)) is not None]
            return Counts(
                waiting=sum(len(need.waiting) for need in needs),
                running=sum(len(need.running) for need in needs),
                waiting_by_model={model: len(need.waiting) for need, model in here if need.waiting},
                running_by_model={model: len(need.running) for need, model in here if need.running},
                left_by_model={
                    model: max(entry.unwritten_tokens for entry in need.running.values())
                    for need, model in here
                    if need.running
                },
            )

    def _learn_from(self, job: Job, need: Need) -> None:
        if job.form == "text" and job.output_count:
            task = job.journey.ask.task
            self._state.learned.note_answer(need.name, task, job.output_count, is_cut=job.is_cut)

    def _end(self, entry: Entry) -> None:
        self._state.roster.remove(entry)
        self._state.notify()

    def _need_of(self, model: LoadedModel) -> Need | None:
        for key, loaded in self._state.models.items():
            if loaded is model:
                return self._state.roster.needs[key]
        return None
