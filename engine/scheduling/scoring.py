"""Scoring: turns what the roster knows of a lane's requests into facts, and facts into scores."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.queueing import FACTORS
from engine.scheduling.entries import Need
from engine.scheduling.priority import PACE_S, Column, Facts, Scores, Weights, score
from engine.scheduling.roster import Roster
from engine.scheduling.table import Table

READ_S: Final = 0.1
"""Seconds per token of a fast reader."""
_PACE: Final = FACTORS.index("pace")


@dataclass(frozen=True, slots=True)
class Scored:
    """The requests of a lane with their scores, by row; valid until the roster changes.

    Attributes:
        table: of the lane.
        scores: as the factors have it.
        rank: what they are ordered by: the score, and what a person added to it.
        standing: the same without the factor of pace, which says who moves next and not who deserves a place.
        need: index of the model, by row.
        running: which ones run.
        ready: which ones could begin if their model were there.
    """

    table: Table
    scores: Scores
    rank: Column
    standing: Column
    need: NDArray[np.intp]
    running: NDArray[np.bool_]
    ready: NDArray[np.bool_]

    def best(self, need: Need, among: NDArray[np.bool_]) -> float:
        """Highest rank of a model's requests among these; minus infinity if there is none."""
        return _highest(self.rank[among & (self.need == need.index)])

    def claim(self, need: Need, among: NDArray[np.bool_]) -> float:
        """Highest standing of a model's requests among these; minus infinity if there is none."""
        return _highest(self.standing[among & (self.need == need.index)])


def _highest(values: Column) -> float:
    return float(values.max()) if len(values) else -np.inf


def score_lane(roster: Roster, lane: str, now_s: float, weights: Weights) -> Scored | None:
    """Score all requests of a lane; None if it has none."""
    table = roster.tables.get(lane)
    if table is None or not len(table):
        return None
    need = table.numbers("need")
    scores = score(_facts(roster, table, need, now_s), weights)
    rank = scores.total + table.column("raised")
    return Scored(
        table=table,
        scores=scores,
        rank=rank,
        standing=rank - scores.values[_PACE] * weights.points[_PACE],
        need=need,
        running=table.flags("is_running"),
        ready=table.flags("is_ready"),
    )


def _facts(roster: Roster, table: Table, need: NDArray[np.intp], now_s: float) -> Facts:
    by_need = np.array([_of_need(one) for one in table.needs]).T
    load_s, prefill_s, token_s, company, lateness, evicted = by_need[:, need]
    reading_s = table.column("unread") * prefill_s
    writing_s = table.column("unwritten") * token_s
    due_s, arrived_s = table.column("due_s"), table.column("arrived_s")
    flows = table.flags("is_running") & table.flags("written")
    # A wish for the whole result is a wish for its first token, as much earlier as the rest takes.
    first_due_s = np.minimum(arrived_s + due_s, table.column("deadline_s") - writing_s)
    slack_s = np.where(table.flags("written"), due_s, first_due_s - now_s - load_s - reading_s)
    urgency = table.column("urgency")
    return Facts(
        urgency=urgency,
        level=table.column("level"),
        work_s=reading_s + writing_s,
        slack_s=slack_s,
        due_s=due_s,
        load_s=load_s,
        company=company,
        known=table.column("known"),
        poverty=_poverty(roster, table),
        lateness=lateness,
        lead_s=np.where(flows, _lead_s(table, token_s, now_s), -np.inf),
        unserved_s=np.where(flows, now_s - table.column("stepped_s"), np.inf),
        evicted=evicted,
        headroom=np.where(urgency > 0, 1.0, roster.headroom),
        waited_s=np.maximum(0.0, now_s - arrived_s),
    )


def _lead_s(table: Table, token_s: Column, now_s: float) -> Column:
    """How far answers are ahead of their readers, the time of their next step taken off."""
    read_s = now_s - table.column("first_s")
    ahead_s = table.column("written") * READ_S - read_s - token_s
    rested_s = now_s - table.column("stepped_s")
    return np.where(table.column("urgency") == 1, ahead_s, PACE_S - rested_s)


def _of_need(need: Need) -> tuple[float, ...]:
    company = (len(need.waiting) + len(need.running) - 1) / need.slots
    load_s = 0.0 if need.is_resident else need.load_s
    return load_s, need.prefill_s, need.token_s, company, need.lateness, need.evicted


def _poverty(roster: Roster, table: Table) -> Column:
    """1 for the client that had least of the lanes among those that are here, 0 for the one that had most."""
    numbers = table.numbers("client")
    service_s = np.array(roster.service.had_s(table.clients))
    here = service_s[numbers]
    least, most = here.min(), here.max()
    return (most - here) / (most - least) if most > least else np.ones(len(here))
