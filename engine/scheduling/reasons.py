"""Reasons: why a request stands where it stands, in one sentence."""

from collections.abc import Sequence

from engine.queueing import FactorPart
from engine.scheduling.entries import Entry, Need
from engine.scheduling.roster import Roster


def reason_of(roster: Roster, entry: Entry, parts: Sequence[FactorPart] = ()) -> str:
    """Say why a request waits, or how it runs.

    Args:
        roster: all requests.
        entry: the request.
        parts: of its score; the largest one is named.
    """
    if entry.is_running:
        others = len(entry.need.running) - 1
        return f"It runs together with {others} more." if others else "It runs."
    best = max(parts, key=lambda part: part.points, default=None)
    gain = f"; {best.points:+.2f}: {best.words}" if best is not None and best.points > 0 else ""
    return f"{_why_waiting(roster, entry)}{gain}."


def _why_waiting(roster: Roster, entry: Entry) -> str:
    need = entry.need
    if roster.is_paused:
        return "The queue is paused"
    if need.is_loading:
        return f"{need.name} is being loaded"
    if not need.is_resident:
        return _why_absent(roster, need)
    if not entry.is_ready:
        return "Is being made ready"
    if need.is_frozen:
        other = _frozen_for(roster, need)
        return f"Waits because {need.name} admits nothing new until {other} has its memory"
    if not need.free_slots:
        places = "the place" if need.slots == 1 else f"one of {len(need.running)} places"
        return f"Waits for {places} at {need.name}"
    return "Waits for its turn"


def _why_absent(roster: Roster, need: Need) -> str:
    room = roster.room_for(need, ())
    if not room.fits:
        names = [roster.needs[key].name for key in room.busy if key in roster.needs]
        if names:
            return f"Waits because {need.name} would have to evict {_listed(names)}"
        return f"Waits because there is no room for {need.name}"
    loading = next((one for one in roster.needs_on(need.device) if one.is_loading), None)
    if loading is not None:
        return f"Waits because {loading.name} is loaded first"
    return f"Waits because {need.name} is not loaded"


def _frozen_for(roster: Roster, need: Need) -> str:
    absent = [one for one in roster.needs_on(need.device) if not one.is_resident and one.waiting]
    oldest = min(absent, key=lambda one: min(one.waiting), default=None)
    return "another model" if oldest is None else oldest.name


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
