"""Scoring: turns what the roster knows of a lane's requests into facts, and facts into scores."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.scheduling.entries import Need
from engine.scheduling.priority import Column, Facts, Scores, Weights, score, totals
from engine.scheduling.roster import Roster
from engine.scheduling.table import Table

READ_S: Final = 0.15
"""Seconds per token of a fast reader: three hundred words a minute."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The requests of a lane with their scores, by row; valid until the roster changes.

    Attributes:
        table: of the lane.
        rank: what they are ordered by: the score, and what a person added to it.
        standing: the same without the factor of pace, which says who moves next and not who deserves a place.
        need: index of the model, by row.
        running: which ones run.
        ready: which ones could begin if their model were there.
    """

    table: Table
    rank: Column
    standing: Column
    need: NDArray[np.intp]
    running: NDArray[np.bool_]
    ready: NDArray[np.bool_]

    def best(self, values: Column, among: NDArray[np.bool_]) -> Column:
        """Highest of these values for each model's requests among these, by the model's index; minus infinity if none.

        One pass for all models: with ten thousand requests, one for each would take longer than the scores.
        """
        found = np.full(len(self.table.needs), -np.inf)
        rows = np.flatnonzero(among)
        np.maximum.at(found, self.need[rows], values[rows])
        return found


def score_lane(roster: Roster, lane: str, now_s: float, weights: Weights) -> Scored | None:
    """Score all requests of a lane; None if it has none."""
    table = roster.tables.get(lane)
    if table is None or not len(table):
        return None
    need = table.numbers("need")
    total, without_pace = totals(_facts(roster, table, need, now_s), weights)
    raised = table.column("raised")
    return Scored(
        table=table,
        rank=total + raised,
        standing=without_pace + raised,
        need=need,
        running=table.flags("is_running"),
        ready=table.flags("is_ready"),
    )


def explain_lane(roster: Roster, lane: str, now_s: float, weights: Weights) -> Scores | None:
    """The scores of a lane's requests with what each factor adds, by row; None if it has none."""
    table = roster.tables.get(lane)
    if table is None or not len(table):
        return None
    return score(_facts(roster, table, table.numbers("need"), now_s), weights)


def _facts(roster: Roster, table: Table, need: NDArray[np.intp], now_s: float) -> Facts:
    by_need = np.array([_of_need(one) for one in table.needs]).T.copy()
    load_s, prefill_s, token_s, company, lateness, evicted = by_need.take(need, axis=1)
    reading_s = table.column("unread") * prefill_s
    writing_s = table.column("unwritten") * token_s
    due_s, arrived_s = table.column("due_s"), table.column("arrived_s")
    lead_s, unserved_s = _flow(table, token_s, now_s)
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
        lead_s=lead_s,
        unserved_s=unserved_s,
        evicted=evicted,
        headroom=np.ones(len(table)) if roster.headroom == 1 else np.where(urgency > 0, 1.0, roster.headroom),
        waited_s=np.maximum(0.0, now_s - arrived_s),
    )


def _flow(table: Table, token_s: Column, now_s: float) -> tuple[Column, Column]:
    """Of answers that flow: how far they are ahead of their readers, and how long they have stood still."""
    lead_s, unserved_s = np.full(len(table), -np.inf), np.full(len(table), np.inf)
    rows = np.flatnonzero(table.flags("is_running") & table.flags("written"))  # few among those that wait
    rested_s = now_s - table.column("stepped_s")[rows]
    written_s = table.column("written")[rows] * READ_S
    ahead_s = written_s - (now_s - table.column("first_s")[rows]) - token_s[rows]  # when the next token will be there
    lead_s[rows] = np.where(table.column("urgency")[rows] == 1, ahead_s, 0.0)
    unserved_s[rows] = rested_s
    return lead_s, unserved_s


def _of_need(need: Need) -> tuple[float, ...]:
    company = (len(need.waiting) + len(need.running) - 1) / need.slots
    load_s = 0.0 if need.is_resident else need.load_s
    return load_s, need.prefill_s, need.token_s, company, need.lateness, need.evicted


def _poverty(roster: Roster, table: Table) -> Column:
    """1 for the client that had least of the lanes among those that are here, 0 for the one that had most."""
    numbers = table.numbers("client")
    had_s = np.array(roster.service.had_s(table.clients))
    here = np.bincount(numbers, minlength=len(had_s)) > 0
    least, most = had_s[here].min(), had_s[here].max()
    by_client = (most - had_s) / (most - least) if most > least else np.ones(len(had_s))
    return by_client.take(numbers)
