"""Forecast: when requests that wait will begin and end, if nothing else comes."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.scheduling.entries import Entry, Need
from engine.scheduling.roster import Roster


@dataclass(frozen=True, slots=True)
class Expected:
    """When a request begins and ends, in seconds from now; `starts_in_s` is 0 for one that runs."""

    starts_in_s: float
    ends_in_s: float


def forecast(roster: Roster, waiting: Sequence[Entry], loading: Mapping[object, float]) -> dict[int, Expected]:
    """Predict by handing out places in order: each request takes the place of its model that is free first.

    Models that share a lane are taken to share its time evenly, and models load one after the other.

    Args:
        roster: all requests.
        waiting: those that wait, next first; the others are not predicted.
        loading: share that is loaded, by key of the model.

    Returns:
        By id of the entry; those that run are included.
    """
    share = {lane: max(1, sum(1 for need in table.needs if need.running)) for lane, table in roster.tables.items()}
    found: dict[int, Expected] = {}
    places: dict[Need, list[float]] = {}
    for need in roster.needs.values():
        ends = [_work_s(entry) * share[need.lane] for entry in need.running.values()]
        found |= {entry.id: Expected(0.0, end) for entry, end in zip(need.running.values(), ends, strict=True)}
        places[need] = ends
        heapq.heapify(ends)
    ready_s = _ready(waiting, loading)
    for entry in waiting:
        need, taken = entry.need, places[entry.need]
        start = ready_s[need]
        if len(taken) >= need.slots:
            start = max(start, heapq.heappop(taken))
        end = start + _work_s(entry) * share[need.lane]
        heapq.heappush(taken, end)
        found[entry.id] = Expected(start, end)
    return found


def _ready(waiting: Iterable[Entry], loading: Mapping[object, float]) -> dict[Need, float]:
    """When each model is there, if they are loaded in the order of their first requests."""
    ready_s: dict[Need, float] = {}
    loaded_s = 0.0
    for entry in waiting:
        need = entry.need
        if need in ready_s:
            continue
        if need.is_resident:
            ready_s[need] = 0.0
        else:
            loaded_s += need.load_s * (1 - loading.get(need.key, 0.0))
            ready_s[need] = loaded_s
    return ready_s


def _work_s(entry: Entry) -> float:
    return entry.unread_tokens * entry.need.prefill_s + entry.unwritten_tokens * entry.need.token_s
