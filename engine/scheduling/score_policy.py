"""ScorePolicy: the order by twelve factors.

On a lane, the request with the highest score says which model steps, and others of that model come along as far as it
has places: a step costs little more for them. An answer that is ahead of its reader loses points until the reader has
nearly caught up, so that answers of several models flow side by side, and steps are shared by more of them.

In memory, the request with the highest score whose model is not loaded says which one is loaded next, once room can be
made without taking the model of a request that is before it. If the only thing in its way are models at work, and no
request is before it, those models admit nothing new until it has its place.

The bound on starvation: on one lane, nothing begins that arrived more than `HORIZON_S` after the oldest request that
still waits there, unless a person moved it up.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.requests import Urgency
from engine.scheduling.entries import Entry, Need
from engine.scheduling.policy import Turn, Want
from engine.scheduling.priority import HORIZON_S, Column, Weights, weights_of
from engine.scheduling.roster import Roster
from engine.scheduling.scoring import Scored, score_lane

Mask = NDArray[np.bool_]
Claims = dict[Need, float]

REVIEW_S: Final = 0.02
"""A decision holds this long if nothing comes, goes or changes: a step can be much shorter."""
STAY_POINTS: Final = 0.02
"""A lane stays with its model unless another's best request is better by this much."""
PREEMPT_POINTS: Final = 0.1
"""A running request leaves its place only for one that is better by this much, less than a class of urgency..."""
PREEMPT_STEPS: Final = 32
"""...and not before it had this many steps."""
STAY_LOADS: Final = 2.0
"""A model that was loaded stays this many times as long as its loading takes, unless it has nothing to do."""
READING_PACE_S: Final = 0.2
"""Longest step that a person who reads an answer should wait for; work that nobody waits for makes room for it."""


class ScorePolicy:
    """Orders requests by score.

    Not thread-safe: it belongs to whoever owns the roster.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        self.weights = weights if weights is not None else weights_of()
        self._latest: dict[str, tuple[int, float, Need]] = {}  # by lane: version, until when, which model

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """What a lane does next."""
        able = [need for need in roster.needs_of(lane) if need.is_resident and need.has_work]
        if not able:
            return None
        if len(able) == 1 and len(able[0].running) == len(roster.tables[lane]):
            return _go_on(able[0])
        if (latest := self._latest.get(lane)) is not None:
            version, until_s, need = latest
            if version == roster.version and now_s < until_s and need.running:
                return _go_on(need)
        turn = self._decide(roster, lane, able, now_s)
        if turn is not None:
            self._latest[lane] = (roster.version, now_s + REVIEW_S, turn.need)
        return turn

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """What is loaded next on a device."""
        needs = roster.needs_on(device)
        absent = [need for need in needs if need.waiting and not need.is_resident and not need.is_loading]
        if not absent:
            return None
        best, waiting = _claims(roster, needs, now_s, self.weights)
        absent.sort(key=lambda need: -best[need])
        for need in absent:
            room = roster.room_for(need, ())
            need.evicted = room.evicted_bytes / max(1, need.size_bytes)
        blocked: Want | None = None
        for need in absent:
            before = [one for one in needs if one.is_resident and _stands_before(one, need, best, now_s)]
            spare = [one.key for one in before]
            if roster.room_for(need, spare).fits:
                return Want(need=need, can_load=True, spare=spare)
            if blocked is None:
                blocked = self._blocked(roster, need, best, waiting)
                if blocked.freeze:  # room is being made for it: nothing else may be loaded there
                    break
        return blocked

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """All requests that wait, by score."""
        entries: list[Entry] = []
        ranks: list[Column] = []
        for lane in roster.tables:
            scored = score_lane(roster, lane, now_s, self.weights)
            if scored is not None:
                rows = np.flatnonzero(~scored.running)
                entries += [scored.table.entries[row] for row in rows]
                ranks.append(scored.rank[rows])
        if not entries:
            return []
        ids = np.array([entry.id for entry in entries])
        return [entries[at] for at in np.lexsort((ids, -np.concatenate(ranks)))]

    def _decide(self, roster: Roster, lane: str, able: Sequence[Need], now_s: float) -> Turn | None:
        scored = score_lane(roster, lane, now_s, self.weights)
        assert scored is not None  # one of the models has work
        may_begin = _may_begin(roster, scored)
        waiting, running = scored.best(scored.rank, may_begin), scored.best(scored.rank, scored.running)
        challenge = scored.best(scored.standing, may_begin)
        chosen: tuple[float, Need, list[Entry]] | None = None
        latest = self._latest.get(lane)
        for need in able:
            best, suspend = float(running[need.index]), list[Entry]()
            if not need.is_frozen:
                if not need.free_slots and _may_leave(scored, need, float(challenge[need.index])):
                    suspend = _leaving(scored, need, may_begin & (scored.need == need.index))
                if need.free_slots or suspend:
                    best = max(best, float(waiting[need.index]))
            if latest is not None and need is latest[2]:
                best += STAY_POINTS
            if np.isfinite(best) and (chosen is None or best > chosen[0]):
                chosen = (best, need, suspend)
        if chosen is None:
            return None
        _, need, suspend = chosen
        places = 0 if need.is_frozen else need.free_slots + len(suspend)
        admit = _first(scored, may_begin & (scored.need == need.index), places) if places else []
        return Turn(need=need, suspend=suspend, admit=admit, rest=_resting(need, admit))

    def _blocked(self, roster: Roster, need: Need, best: Claims, waiting: Claims) -> Want:
        """The best request whose model is absent waits for memory: those that hold it admit nothing new."""
        ahead = max((claim for one, claim in waiting.items() if one.is_resident), default=-np.inf)
        room = roster.room_for(need, ())
        if best[need] < ahead or not room.busy:
            return Want(need=need, can_load=False)
        by_key = {one.key: one for one in best}
        freeze = [by_key[key] for key in room.busy if key in by_key]
        strongest = max((best[one] for one in freeze), default=-np.inf)
        return Want(need=need, can_load=False, freeze=freeze, suspend=best[need] > strongest + PREEMPT_POINTS)


def _go_on(need: Need) -> Turn:
    return Turn(need=need, rest=_resting(need, ()))


def _may_begin(roster: Roster, scored: Scored) -> Mask:
    """Which requests may begin, if their models have room: none that is too far behind the oldest."""
    waits = ~scored.running
    if roster.is_paused or not waits.any():
        return np.zeros_like(waits)
    arrived_s = scored.table.column("arrived_s")
    last_s = arrived_s[waits].min() + HORIZON_S
    in_time: Mask = (arrived_s <= last_s) | (scored.table.column("raised") > 0)
    return waits & scored.ready & in_time


def _first(scored: Scored, among: Mask, count: int) -> list[Entry]:
    """The best requests, best first; of equals the one that came first."""
    rows = np.flatnonzero(among)
    if count <= 0 or not len(rows):
        return []
    if len(rows) > count:
        least = np.partition(scored.rank[rows], -count)[-count]
        rows = rows[scored.rank[rows] >= least]
    order = np.lexsort((scored.table.column("id")[rows], -scored.rank[rows]))[:count]
    return [scored.table.entries[row] for row in rows[order]]


def _may_leave(scored: Scored, need: Need, challenge: float) -> bool:
    """Whether any request may have to leave its place to one of this standing: the quick answer, mostly no."""
    return any(
        entry.steps >= PREEMPT_STEPS and challenge > scored.standing[entry.row] + PREEMPT_POINTS
        for entry in need.running.values()
    )


def _leaving(scored: Scored, need: Need, waiting: Mask) -> list[Entry]:
    """Running requests that leave their places to better ones that wait, the worst first."""
    better = iter(_first(scored, waiting, len(need.running)))
    leaving: list[Entry] = []
    for entry in sorted(need.running.values(), key=lambda one: (scored.standing[one.row], -one.id)):
        challenger = next(better, None)
        if challenger is None or scored.standing[challenger.row] <= scored.standing[entry.row] + PREEMPT_POINTS:
            break
        if entry.steps >= PREEMPT_STEPS:
            leaving.append(entry)
    return leaving


def _resting(need: Need, beginning: Sequence[Entry]) -> tuple[Entry, ...]:
    """Work that nobody waits for sits a step out where a reader would wait too long for it; each in its turn."""
    entries = [*need.running.values(), *beginning]
    watched = sum(entry.urgency is Urgency.INTERACTIVE for entry in entries)
    if not watched or watched == len(entries):
        return ()
    others = [entry for entry in entries if entry.urgency is not Urgency.INTERACTIVE]
    places = max(0, int((READING_PACE_S - need.step_s) / need.row_s) - watched)
    others.sort(key=lambda entry: (entry.stepped_s, entry.id))
    return tuple(others[places:])


def _claims(roster: Roster, needs: Sequence[Need], now_s: float, weights: Weights) -> tuple[Claims, Claims]:
    """The highest standing among the requests of each model: of all of them, and of those that wait."""
    everyone: Claims = dict.fromkeys(needs, -np.inf)
    waiting: Claims = dict.fromkeys(needs, -np.inf)
    for lane in {need.lane for need in needs}:
        scored = score_lane(roster, lane, now_s, weights)
        if scored is not None:
            waits, runs = (scored.best(scored.standing, some) for some in (~scored.running, scored.running))
            for need in needs:
                if need.lane == lane:
                    waiting[need] = float(waits[need.index])
                    everyone[need] = max(waiting[need], float(runs[need.index]))
    return everyone, waiting


def _stands_before(one: Need, need: Need, best: Claims, now_s: float) -> bool:
    """Whether a loaded model stays, whatever another needs: a better request needs it, or it has only just come."""
    if not one.has_work:
        return False
    is_new = now_s < one.resident_s + STAY_LOADS * one.load_s
    return is_new or best[one] >= best[need]
