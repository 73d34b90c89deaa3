"""LoadQueue: the queue as those see it who bring requests to models: who needs what, and what to load next."""

import logging
from dataclasses import dataclass
from typing import Final

from engine.backends.base import EmbeddingModel, LoadedModel, TextModel, VisionModel
from engine.memory.residency import Place, place_of
from engine.queueing import Outcome
from engine.scheduling.ended import ended_request
from engine.scheduling.entries import UNKNOWN_LOAD_S, Need
from engine.scheduling.job import Job
from engine.scheduling.policy import Want
from engine.scheduling.queue_state import QueueState, ticket_of
from engine.scheduling.tickets import Ticket
from engine.types import Loading

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.1
"""How often a loader that waits for room looks again: other programs free memory without saying so."""
_GUESSED_READ_BYTES_PER_S: Final = 8e9
"""How fast a processor reads weights, until a model was seen running. A guess at a laptop."""
_GUESSED_LOAD_BYTES_PER_S: Final = 1e9
_MOST_REFUSALS: Final = 3
"""Loads in a row that may find no room although there seems to be some: who was in the way has just left."""
_PROMPT_GAIN: Final = 4.0
"""How much faster a prompt token is than one of an answer, until it was seen."""


@dataclass(frozen=True, slots=True)
class LoadOrder:
    """A model that is to be loaded now.

    Attributes:
        ticket: the best of the requests that wait for it.
        place: where.
        spare: keys of models that must not leave for it.
    """

    ticket: Ticket
    place: Place
    spare: tuple[Place, ...]


class LoadQueue:
    """The part of the queue that leads to loaded models.

    Thread: any.
    """

    def __init__(self, state: QueueState, slots: int) -> None:
        """Make it.

        Args:
            state: shared with the lanes.
            slots: requests of one text model that may run together.
        """
        self._state = state
        self._slots = slots

    def arrive(self, ticket: Ticket) -> None:
        """Take a request that has just arrived."""
        with self._state.changed:
            self._state.tickets[ticket.number] = ticket
            self._state.notify()

    def enter(self, ticket: Ticket, lane: str) -> bool:
        """Let a request wait where it goes now; return whether its model is loaded there, so that it can be started.

        Args:
            ticket: with its ways.
            lane: name of the lane that would run it.
        """
        state = self._state
        with state.changed:
            if ticket.outcome is not None:
                return False
            self._take_out(ticket)
            need = self._need(ticket, lane)
            ticket.entry = state.entry_of(ticket, need)
            ticket.is_started = need.is_resident
            state.roster.add(ticket.entry)
            state.notify()
            return need.is_resident

    def ready(self, ticket: Ticket, job: Job) -> None:
        """Note that a request can begin. What has ended meanwhile is dropped."""
        state = self._state
        with state.changed:
            ticket.job = job
            entry = ticket.entry
            if entry is None or ticket.outcome is not None:
                return
            model = state.models.get(entry.need.key)
            if model is None:  # it left while the request was made ready
                ticket.is_started = False
                return
            if job.model is not model:
                job.move(model)
            entry.prompt_tokens, entry.output_tokens = job.prompt_tokens, self._expected(entry.need, job)
            entry.is_ready = True
            state.fresh[entry.need.lane].append(ticket)
            state.roster.changed(entry)
            if not entry.need.running:
                job.tell_position(len(entry.need.waiting), None, "")
            state.wake(entry.need.lane)
            state.notify()

    def end(self, ticket: Ticket, outcome: Outcome, error: str = "") -> None:
        """Note that a request has ended; only the first time counts."""
        state = self._state
        with state.changed:
            if ticket.outcome is not None:
                return
            ticket.outcome = outcome
            state.tickets.pop(ticket.number, None)
            entry = ticket.entry
            lane = "" if entry is None else entry.need.lane
            if entry is not None and not entry.is_running:  # one that runs is taken out by its lane
                self._take_out(ticket)
                if ticket.job is not None and ticket.clock.started_s is not None:
                    state.orphans[lane].append(ticket.job)
            if lane:
                state.wake(lane)
            if ticket.label.form != "load":
                state.history.add(ended_request(ticket, outcome, error, lane))
            state.notify()

    def next_load(self, device: str) -> LoadOrder | None:
        """Wait for the next model that is to be loaded on a device; None once the engine closes."""
        state = self._state
        with state.changed:
            while not state.is_closed:
                want = self._want(device)
                self._freeze(device, want)
                if want is not None and (want.can_load or self._is_hopeless(want)):
                    tickets = self._waiting(want.need)
                    if tickets:
                        want.need.is_loading = True
                        state.loading[want.need.key] = 0.0
                        spare = tuple(key for key in want.spare if isinstance(key, Place))
                        assert isinstance(want.need.key, Place)
                        return LoadOrder(tickets[0], want.need.key, spare)
                state.changed.wait(None if want is None else _LOOK_S)
            return None

    def _want(self, device: str) -> Want | None:
        """What the policy wants; a policy that fails inside must not take the loader with it."""
        try:
            return self._state.policy.want(self._state.roster, device, self._state.clock())
        except Exception:
            log.exception("the order of loads failed inside")
            return None

    def tell_loading(self, place: Place, fraction: float) -> bool:
        """Tell all who wait for a model how far it is; return whether anybody still does."""
        state = self._state
        with state.changed:
            need = state.roster.needs.get(place)
            if need is None or state.is_closed:
                return False
            state.loading[place] = fraction
            tickets = [ticket for ticket in self._waiting(need) if not ticket.is_gone()]
        for ticket in tickets:
            ticket.tell(Loading(fraction))
        return bool(tickets)

    def loaded(self, place: Place, model: LoadedModel, began_s: float) -> list[Ticket]:
        """Note that a model is there; return the requests that wait for it, to be started.

        Args:
            place: where.
            model: what was loaded.
            began_s: when loading it began, on the monotonic clock.
        """
        state = self._state
        state.learned.note_load(model.info.id, state.clock() - began_s)
        with state.changed:
            need = state.roster.needs[place]
            state.loading.pop(place, None)
            state.models[place] = model
            need.slots = self._slots_of(model)
            need.size_bytes = model.memory_bytes
            now_s = state.clock()
            state.roster.set_resident(need, now_s, is_resident=True)
            need.evicted, need.refusals = 0.0, 0
            state.refresh(need)
            tickets = [ticket for ticket in self._waiting(need) if not ticket.is_started]
            for ticket in tickets:
                ticket.is_started = True
                ticket.clock.load_s += now_s - max(began_s, ticket.clock.arrived_s)
            state.notify()
            return tickets

    def unstart(self, ticket: Ticket) -> bool:
        """Note that a request could not be started, because its model has just left; return if it is back already."""
        with self._state.changed:
            ticket.is_started = ticket.entry is not None and ticket.entry.need.is_resident
            self._state.notify()
            return ticket.is_started

    def failed(self, place: Place) -> list[Ticket]:
        """Note that a model could not be loaded; return the requests that wait for it."""
        state = self._state
        with state.changed:
            need = state.roster.needs[place]
            state.loading.pop(place, None)
            need.is_loading = False
            state.notify()
            return self._waiting(need)

    def put_back(self, place: Place) -> bool:
        """Let a model that did not fit after all wait for its room; False if no waiting would help.

        Who was in the way may have left since; then there is room by now, and the load is tried again.
        """
        state = self._state
        with state.changed:
            need = state.roster.needs[place]
            room = state.roster.room_for(need, ())
            if not room.fits and not room.busy:
                return False
            if room.fits:
                need.refusals += 1
                if need.refusals > _MOST_REFUSALS:
                    need.refusals = 0
                    return False
            state.loading.pop(place, None)
            need.is_loading = False
            state.notify()
            return True

    def take_out(self, ticket: Ticket) -> None:
        """Take a request out of the order until it enters again elsewhere."""
        with self._state.changed:
            self._take_out(ticket)

    def close(self) -> None:
        """Let all loaders end."""
        with self._state.changed:
            self._state.closed.set()
            self._state.notify()

    def _need(self, ticket: Ticket, lane: str) -> Need:
        state, way = self._state, ticket.way
        place = place_of(way.info, way.target)
        known = state.roster.needs.get(place)
        if known is not None:
            return known
        step_s = way.info.size_bytes / _GUESSED_READ_BYTES_PER_S
        need = Need(
            key=place,
            name=way.info.id,
            lane=lane,
            device=way.target.device,
            size_bytes=way.info.size_bytes,
            load_s=max(UNKNOWN_LOAD_S / 10, way.info.size_bytes / _GUESSED_LOAD_BYTES_PER_S),
            prefill_s=step_s / _PROMPT_GAIN,
            step_s=step_s / 2,
            row_s=max(1e-6, step_s / 2),
        )
        state.homes[place] = (way.info, way.target, way.needed_bytes)
        state.recall(need)
        return state.roster.add_need(need)

    def _take_out(self, ticket: Ticket) -> None:
        if ticket.entry is not None:
            self._state.roster.remove(ticket.entry)
            ticket.entry = None

    def _freeze(self, device: str, want: Want | None) -> None:
        """Let the models in the way of the next one admit nothing new, and all others go on."""
        frozen = set(want.freeze) if want is not None else set()
        for need in self._state.roster.needs_on(device):
            is_frozen, is_leaving = need in frozen, need in frozen and want is not None and want.suspend
            if (need.is_frozen, need.is_leaving) != (is_frozen, is_leaving):
                need.is_frozen, need.is_leaving = is_frozen, is_leaving
                self._state.roster.version += 1
                self._state.wake(need.lane)

    def _is_hopeless(self, want: Want) -> bool:
        """Whether no waiting would help; then loading it says what is wrong."""
        room = self._state.roster.room_for(want.need, ())
        return not room.fits and not room.busy

    def _waiting(self, need: Need) -> list[Ticket]:
        return [ticket_of(entry) for entry in need.waiting.values()]

    def _slots_of(self, model: LoadedModel) -> int:
        if isinstance(model, TextModel):
            return self._slots
        if isinstance(model, VisionModel):
            return model.max_batch
        return 1 if isinstance(model, EmbeddingModel) else self._slots

    def _expected(self, need: Need, job: Job) -> int:
        most = max(1, job.most_output)
        if job.form != "text":
            return most
        return max(1, self._state.learned.expected_tokens(need.name, job.journey.ask.task, most))
