"""QueueControl: the queue as people see it, and what they can change in it."""

from collections.abc import Sequence
from typing import Final

from engine.errors import InvalidRequestError, RequestCancelledError
from engine.queueing import FactorPart, LaneWork, QueuedRequest, QueueSnapshot, RequestState
from engine.requests import Urgency
from engine.scheduling.entries import DUE_S, Entry
from engine.scheduling.forecast import Expected, forecast
from engine.scheduling.lanes import Lanes, device_of
from engine.scheduling.policies import overtaken_at_most_s, policy_of
from engine.scheduling.priority import Scores, parts_of
from engine.scheduling.queue_state import QueueState, ticket_of
from engine.scheduling.reasons import reason_of
from engine.scheduling.scoring import explain_lane, score_lane
from engine.scheduling.tickets import Ticket

MOST_SHOWN: Final = 500
"""Waiting requests in a snapshot; the others are only counted."""
MOST_EXPLAINED: Final = 100
"""Of these, with their factors and a reason."""
_ENDED_SHOWN: Final = 200
_ABOVE: Final = 0.01
_MOST_LEVEL: Final = 4


class QueueControl:
    """Shows the queue, and changes it.

    Thread: any.
    """

    def __init__(self, state: QueueState, lanes: Lanes) -> None:
        self._state = state
        self._lanes = lanes

    def snapshot(self) -> QueueSnapshot:
        """Describe all requests; milliseconds with a full queue."""
        state = self._state
        lanes = self._lanes.snapshots()
        with state.changed:
            roster = state.roster
            order = state.policy.order(roster, state.clock())
            shown = order[:MOST_SHOWN]
            expected = forecast(roster, shown, state.loading)
            scored = self._scored()
            running = sorted((entry for entry in roster.entries() if entry.is_running), key=lambda one: one.id)
            requests = [self._of_entry(entry, 0, expected, scored) for entry in running]
            requests += [self._of_entry(entry, at, expected, scored) for at, entry in enumerate(shown, start=1)]
            requests += [_of_ticket(one) for one in state.tickets.values() if one.entry is None]
            return QueueSnapshot(
                requests=tuple(requests),
                waiting_count=len(order) + sum(one.entry is None for one in state.tickets.values()),
                ended=state.history.latest(_ENDED_SHOWN),
                ended_today=state.history.ended_today(),
                lanes=tuple(
                    LaneWork(
                        name=name,
                        device=device_of(name),
                        threads=lane.threads,
                        model=lane.latest_model,
                        frozen=tuple(need.name for need in roster.needs_of(name) if need.is_frozen),
                    )
                    for name, lane in lanes.items()
                ),
                order=state.order,
                is_paused=roster.is_paused,
                overtaken_at_most_s=overtaken_at_most_s(state.order),
                loading={roster.needs[key].name: share for key, share in state.loading.items()},
            )

    def cancel(self, request: str) -> bool:
        """End a request with `RequestCancelledError`; return whether it was there."""
        with self._state.changed:
            ticket = self._find(request)
        if ticket is None:
            return False
        ticket.fail(RequestCancelledError(f"The request {request} was cancelled in the queue."))
        return True

    def move_up(self, request: str) -> bool:
        """Let a request begin next on its lane; return whether it was there."""
        state = self._state
        with state.changed:
            ticket = self._find(request)
            if ticket is None:
                return False
            entry = ticket.entry
            if entry is None or entry.is_running:
                return True
            scored = score_lane(state.roster, entry.need.lane, state.clock(), state.weights)
            assert scored is not None
            entry.raised += max(_ABOVE, float(scored.rank.max() - scored.rank[entry.row]) + _ABOVE)
            self._tell_changed(entry)
            return True

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        """Change how soon a request is needed; return whether it was there.

        Raises:
            InvalidRequestError: the level is out of range.
        """
        if level is not None and not 0 <= level <= _MOST_LEVEL:
            raise InvalidRequestError(f"level is {level}, but must be from 0 to {_MOST_LEVEL}.")
        with self._state.changed:
            ticket = self._find(request)
            if ticket is None:
                return False
            ticket.urgency = urgency
            ticket.level = ticket.level if level is None else level
            if (entry := ticket.entry) is not None:
                entry.urgency, entry.level, entry.due_s = ticket.urgency, ticket.level, DUE_S[urgency]
                self._tell_changed(entry)
            return True

    def set_order(self, policy: str) -> None:
        """Order requests by this policy from now on.

        Raises:
            InvalidRequestError: there is no such policy, or it cannot be taken up while the engine is open.
        """
        if "free_for_all" in {policy, self._state.order} and policy != self._state.order:
            cause = "Whether every model has a thread of its own is settled when Hearth starts."
            raise InvalidRequestError(cause, "Name it in the settings file: order.")
        made = policy_of(policy, self._state.weights)
        with self._state.changed:
            self._state.policy, self._state.order = made, policy
            for need in self._state.roster.needs.values():
                need.is_frozen = need.is_leaving = False
            self._state.roster.version += 1
            self._state.wake_all()
            self._state.notify()

    def pause(self, paused: bool) -> None:
        """Begin nothing new until this is called with False."""
        with self._state.changed:
            self._state.roster.is_paused = paused
            self._state.roster.version += 1
            self._state.wake_all()
            self._state.notify()

    def _find(self, request: str) -> Ticket | None:
        number = request.removeprefix("r")
        return self._state.tickets.get(int(number)) if number.isdecimal() else None

    def _tell_changed(self, entry: Entry) -> None:
        self._state.roster.changed(entry)
        self._state.wake(entry.need.lane)
        self._state.notify()

    def _scored(self) -> dict[str, Scores]:
        """Scores by lane, where requests are ordered by them."""
        state = self._state
        if state.order != "hearth":
            return {}
        lanes = list(state.roster.tables)
        found = ((lane, explain_lane(state.roster, lane, state.clock(), state.weights)) for lane in lanes)
        return {lane: scored for lane, scored in found if scored is not None}

    def _of_entry(
        self, entry: Entry, position: int, expected: dict[int, Expected], scored: dict[str, Scores]
    ) -> QueuedRequest:
        state, ticket, clock = self._state, ticket_of(entry), ticket_of(entry).clock
        parts: Sequence[FactorPart] = ()
        by_lane = scored.get(entry.need.lane)
        is_explained = position <= MOST_EXPLAINED
        if by_lane is not None and is_explained:
            parts = parts_of(by_lane, entry.row, state.weights)
        when = expected.get(entry.id)
        job, now_s = ticket.job, state.clock()
        return QueuedRequest(
            id=ticket.id,
            title=ticket.label.title,
            form=ticket.label.form,
            model=entry.need.name,
            client=ticket.label.client,
            urgency=ticket.urgency,
            level=ticket.level,
            state=_state_of(entry),
            lane=entry.need.lane,
            position=position,
            waited_s=now_s - entry.arrived_s,
            score=0.0 if by_lane is None else float(by_lane.total[entry.row]) + entry.raised,
            parts=tuple(parts),
            reason=reason_of(state.roster, entry, parts) if is_explained else "",
            starts_in_s=None if when is None or entry.is_running or state.roster.is_paused else when.starts_in_s,
            ends_in_s=None if when is None or state.roster.is_paused else when.ends_in_s,
            load_progress=state.loading.get(entry.need.key),
            prompt_tokens=0 if job is None else job.prompt_tokens,
            prompt_done=0 if job is None else min(job.prompt_tokens, entry.read_tokens),
            output_tokens=0 if job is None else job.output_count,
            output_expected=entry.output_tokens,
            started_s=None if clock.started_s is None else now_s - clock.started_s,
            prefilled_s=None if clock.prefilled_s is None else now_s - clock.prefilled_s,
        )


def _state_of(entry: Entry) -> RequestState:
    if entry.is_running:
        return RequestState.RUNNING
    if entry.need.is_loading:
        return RequestState.LOADING
    if entry.began_s is not None:
        return RequestState.PAUSED
    return RequestState.WAITING if entry.is_ready or not entry.need.is_resident else RequestState.PREPARING


def _of_ticket(ticket: Ticket) -> QueuedRequest:
    """A request that has no model yet."""
    return QueuedRequest(
        id=ticket.id,
        title=ticket.label.title,
        form=ticket.label.form,
        model=ticket.label.model,
        client=ticket.label.client,
        urgency=ticket.urgency,
        level=ticket.level,
        state=RequestState.PREPARING,
        reason="Its model is being found.",
    )
