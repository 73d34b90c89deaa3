"""Priority: the twelve factors and the score, for many requests at once. Pure: no clock, no threads, no state.

    P = Σ wᵢ · fᵢ + wait / 240 s

Eleven factors lie in [0, 1] and their weights sum to 1, so together they are at most 1; the time waited is unbounded.
Therefore a request that arrives more than 240 s after another one can never have the higher score: that is the bound
on starvation, whatever the factors say. The request with the highest score is next.

Everything is a column: one array per fact, one element per request. The same few array operations serve one request and
ten thousand, which take half a millisecond.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.config import DEFAULT_WEIGHTS
from engine.queueing import FACTORS, FactorPart

Column = NDArray[np.float64]

HORIZON_S: Final = 240.0
"""Nobody who arrives this much later is ever served first. Shorter ones turn the queue into first in, first out: with
60 s it was that under load."""
LOAD_SCALE_S: Final = 3.0
"""Seconds of loading that halve the factor of residency."""
WORK_SCALE_S: Final = 4.0
"""Seconds of work that halve the factor of work."""
PACE_S: Final = 0.2
"""Below this lead over its reader a running answer gains. What has a longer one can wait, so that more of them come to
share their steps."""
STILL_S: Final = 1.0
"""A running answer that had no step for this long gains no more by it."""
_STILL_SHARE: Final = 0.15
"""Of the factor of pace: for standing still. It lets answers take turns that are all too slow for their readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the score needs to know of n requests; every field is float64 of shape (n,).

    Attributes:
        urgency: of the class: interactive 1, normal 0.5, batch 0.
        level: the user's own weight, from 0 (last) to 1 (first).
        work_s: predicted seconds of the lane that are left: the prompt, then the answer.
        slack_s: seconds until its first token is due, less loading and reading; negative when it will be late.
        due_s: seconds that its kind may take until the first token.
        load_s: seconds until its model is loaded; 0 if it is.
        company: requests of the same model that wait or run too, over the places it has; may exceed 1.
        known: share of the prompt whose KV is held.
        poverty: 1 for the client that had least of the device, 0 for the one that had most.
        lateness: the model's recent time to the first token over what it should be.
        lead_s: of a running answer, seconds that its reader has still to read, 0 if nobody reads it; of all others, and
            until the first token, minus infinity.
        unserved_s: of a running answer, seconds since its last step; of all others infinite.
        evicted: bytes of other models that must leave memory for its model, over its own; may exceed 1.
        headroom: 1 where heat and battery allow its class, 0 where they do not.
        waited_s: since it arrived.
    """

    urgency: Column
    level: Column
    work_s: Column
    slack_s: Column
    due_s: Column
    load_s: Column
    company: Column
    known: Column
    poverty: Column
    lateness: Column
    lead_s: Column
    unserved_s: Column
    evicted: Column
    headroom: Column
    waited_s: Column


@dataclass(frozen=True, slots=True)
class Weights:
    """Points of each factor for a value of 1; of `wait`, points per second.

    Attributes:
        points: by factor, in the order of `FACTORS`, shape (12,); the first eleven sum to 1.
    """

    points: Column

    def __getitem__(self, factor: str) -> float:
        return float(self.points[FACTORS.index(factor)])


def weights_of(table: Mapping[str, float] = DEFAULT_WEIGHTS) -> Weights:
    """Scale eleven weights so that they sum to 1, and add the one of the time waited."""
    raw = np.array([table.get(factor, 0.0) for factor in FACTORS[:-1]])
    return Weights(np.append(raw / raw.sum(), 1 / HORIZON_S))


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of n requests.

    Attributes:
        total: shape (n,).
        values: of the factors, in the order of `FACTORS`, shape (12, n).
    """

    total: Column
    values: NDArray[np.float64]


def score(facts: Facts, weights: Weights) -> Scores:
    """Score n requests; each score depends on nothing but the facts of that request."""
    total, _ = totals(facts, weights)
    return Scores(total, np.stack(list(_factors(facts))))


def totals(facts: Facts, weights: Weights) -> tuple[Column, Column]:
    """The scores alone, and the same without the factor of pace: a third quicker than with the values of the factors.

    What moves next goes by the first; what deserves a place, in a batch or in memory, by the second.
    """
    # Not a product of matrices: it rounds by place, and equal requests have to have equal scores.
    total, pace = np.zeros(len(facts.waited_s)), np.zeros(len(facts.waited_s))
    for factor, weight, column in zip(FACTORS, weights.points, _factors(facts), strict=True):
        if factor == "pace":
            pace = weight * column
        else:
            total += weight * column
    return total + pace, total


def _factors(facts: Facts) -> Iterator[Column]:
    """The columns, in the order of `FACTORS`."""
    yield (facts.urgency + facts.level) / 2
    yield 1 / (1 + facts.work_s / WORK_SCALE_S)
    yield _deadline(facts.slack_s, facts.due_s)
    yield 1 / (1 + facts.load_s / LOAD_SCALE_S)
    yield np.minimum(1.0, facts.company)
    yield facts.known
    yield facts.poverty
    yield 1 - _within_1(facts.lateness - 1)  # who is late already would only make others late as well
    yield _pace(facts.lead_s, facts.unserved_s)
    yield 1 - np.minimum(1.0, facts.evicted)
    yield facts.headroom
    yield facts.waited_s


def _within_1(values: Column) -> Column:
    return np.minimum(1.0, np.maximum(0.0, values))  # half the time of `clip`


def _pace(lead_s: Column, unserved_s: Column) -> Column:
    """How much an answer has to go on: it is not ahead of its reader, or has stood still."""
    is_due = _within_1(1 - lead_s / PACE_S)
    return (1 - _STILL_SHARE) * is_due + _STILL_SHARE * np.minimum(1.0, unserved_s / STILL_S)


def _deadline(slack_s: Column, due_s: Column) -> Column:
    """Nearer is higher; 0 for the hopeless, which would only make others late as well."""
    return np.where(slack_s < -due_s, 0.0, _within_1(1 - slack_s / due_s))


_HIGH: Final = 0.66
_LOW: Final = 0.15
_WORDS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "urgency": ("somebody waits for it", "it is of usual urgency", "nobody waits for it"),
        "work": ("it is short", "it takes some seconds", "it is long"),
        "deadline": ("it is due now", "it is due soon", "it has time"),
        "residency": ("its model is loaded", "its model loads quickly", "its model takes long to load"),
        "batch": ("it can run in company", "others of its model are few", "no other needs its model"),
        "prefix": ("its prompt is known", "a part of its prompt is known", "its prompt is new"),
        "fairness": ("its client had little", "its client had its share", "its client had most"),
        "response": ("its model answers in time", "its model answers somewhat late", "its model answers late"),
        "pace": ("its next step is due", "its next step is due soon", "there is enough to read"),
        "memory": ("nothing must leave memory", "something must leave memory", "much must leave memory"),
        "energy": ("heat and battery allow it", "the machine is warm", "heat or battery hold it back"),
    }
)


def parts_of(scores: Scores, index: int, weights: Weights) -> tuple[FactorPart, ...]:
    """The factors of one request, with words."""
    return tuple(
        FactorPart(factor, float(scores.values[row, index]), float(weights.points[row]), _words(factor, value))
        for row, (factor, value) in enumerate(zip(FACTORS, scores.values[:, index], strict=True))
    )


def _words(factor: str, value: float) -> str:
    if factor == "wait":
        return f"it has waited {value:.0f} s" if value >= 1 else "it has just arrived"
    high, middle, low = _WORDS[factor]
    return high if value >= _HIGH else low if value <= _LOW else middle
