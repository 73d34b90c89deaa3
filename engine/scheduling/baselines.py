"""The simpler orders: what other programs do, each in the best form of its own idea, to measure the score against.

All of them load ahead: while one model works, the next one in their order is loaded beside it if there is room without
those that are before it. None of them suspends, freezes or lets anything rest: a model is let go once it is idle.

A request that a person moved up counts as the first to have arrived.
"""

from collections.abc import Iterable, Sequence

from engine.scheduling.entries import Entry, Need
from engine.scheduling.policy import Turn, Want
from engine.scheduling.roster import Roster


class Fifo:
    """Arrival order, one request at a time on a device, each loading its model on demand.

    What a single-user server does whose queue knows nothing of its models, as Ollama's by default. Nothing overtakes.
    """

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """Go on with the request that runs, else begin the oldest."""
        running = [need for need in roster.needs_of(lane) if need.running]
        if running:
            return Turn(need=_longest_unserved(running))
        needs = _neighbours(roster, lane)
        if any(need.running for need in needs):
            return None
        head = min(_waiting(needs), key=_arrival, default=None)
        if head is None or head.need.lane != lane or not _can_begin(roster, head):
            return None
        return Turn(need=head.need, admit=(head,))

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """The model of the oldest request that has none."""
        return _first_absent(roster, _by_arrival(roster.needs_on(device)))

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """By arrival."""
        return sorted(_waiting(roster.needs.values()), key=_arrival)


class FifoBatched:
    """Arrival order with batching: a request begins as soon as all before it have begun and its model has a place.

    What continuous batching gains without any choice of order. A request whose model is absent, or full, holds up all
    behind it, so nothing overtakes; models with running requests take turns by step.
    """

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """Begin the oldest requests as far as they can, else go on with the model that waited longest for a step."""
        begin = self._next(roster, lane)
        if begin and begin[0].need.lane == lane:
            need = begin[0].need
            others = (index for index, entry in enumerate(begin) if entry.need is not need)
            return Turn(need=need, admit=begin[: next(others, len(begin))])
        running = [need for need in roster.needs_of(lane) if need.running]
        return Turn(need=_longest_unserved(running)) if running else None

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """The model of the oldest request that has none."""
        return _first_absent(roster, _by_arrival(roster.needs_on(device)))

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """By arrival."""
        return sorted(_waiting(roster.needs.values()), key=_arrival)

    def _next(self, roster: Roster, lane: str) -> list[Entry]:
        """The oldest requests, up to the first one that cannot begin."""
        free: dict[Need, int] = {}
        begin: list[Entry] = []
        for entry in sorted(_waiting(_neighbours(roster, lane)), key=_arrival):
            left = free.setdefault(entry.need, entry.need.free_slots)
            if not left or not _can_begin(roster, entry):
                break
            free[entry.need] = left - 1
            begin.append(entry)
        return begin


class RoundRobin:
    """Models in turn, a batch each: as many requests as it has places for, by arrival, until all of them have ended.

    Fair to models, whatever is asked of them. The next model is loaded while one works.
    """

    def __init__(self) -> None:
        self._turns: dict[str, tuple[Need, int]] = {}  # by device: whose turn, and how many may still begin

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """Go on with the model whose turn it is."""
        device = _device(roster, lane)
        need = self._current(roster, device)
        if need is None or need.lane != lane or not need.is_resident:
            return None
        _, left = self._turns[device]
        admit = _oldest(roster, need, min(left, need.free_slots))
        self._turns[device] = need, left - len(admit)
        return Turn(need=need, admit=admit) if admit or need.running else None

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """The next model in turn that is absent."""
        self._current(roster, device)
        return _first_absent(roster, self._cycle(roster, device))

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """A batch of each model in turn, as often as there are any left."""
        queues = [
            (need.slots, sorted(need.waiting.values(), key=_arrival))
            for device in dict.fromkeys(need.device for need in roster.needs.values())
            for need in self._cycle(roster, device)
        ]
        ordered: list[Entry] = []
        while any(entries for _, entries in queues):
            for slots, entries in queues:
                ordered += entries[:slots]
                del entries[:slots]
        return ordered

    def _current(self, roster: Roster, device: str) -> Need | None:
        """Whose turn it is, passed on if the batch has ended; None if nobody has work."""
        if device in self._turns:
            need, left = self._turns[device]
            if need.running or (left > 0 and need.waiting):
                return need
        cycle = self._cycle(roster, device)
        current = next((need for need in cycle if need is not self._last(device)), cycle[0] if cycle else None)
        if current is not None:
            self._turns[device] = current, current.slots
        return current

    def _last(self, device: str) -> Need | None:
        return self._turns[device][0] if device in self._turns else None

    def _cycle(self, roster: Roster, device: str) -> list[Need]:
        """Models with work, beginning with the one whose turn it is."""
        needs = roster.needs_on(device)
        last = self._last(device)
        start = needs.index(last) if last in needs else 0
        return [need for need in (*needs[start:], *needs[:start]) if need.has_work]


class Collate:
    """Same model first, with batching: a model keeps the device while it has requests; then the oldest one's follows.

    What a proxy does that swaps models, as llama-swap: as few changes of model as there can be. The next model is
    loaded while one works.
    """

    def __init__(self) -> None:
        self._current: dict[str, Need] = {}  # by device

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """Go on with the model that has the device."""
        need = next(iter(self._line(roster, _device(roster, lane))), None)
        if need is None or need.lane != lane or not need.is_resident:
            return None
        admit = _oldest(roster, need, need.free_slots)
        return Turn(need=need, admit=admit) if admit or need.running else None

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """The first of the models in line that is absent."""
        return _first_absent(roster, self._line(roster, device))

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """All of the model that has the device, then all of the oldest one's, and so on."""
        devices = dict.fromkeys(need.device for need in roster.needs.values())
        lines = [need for device in devices for need in self._line(roster, device)]
        return [entry for need in lines for entry in sorted(need.waiting.values(), key=_arrival)]

    def _line(self, roster: Roster, device: str) -> list[Need]:
        """Models with work: the one that has the device, the others by their oldest request."""
        line = _by_arrival(roster.needs_on(device))
        current = self._current.get(device)
        if current in line:
            line.remove(current)
            line.insert(0, current)
        elif line:
            self._current[device] = line[0]
        return line


class FreeForAll:
    """Every model for itself: arrival order with batching, and a lane of its own for each.

    What separate programs do, one per model: none waits for another, and all of them compete for the same cores.
    """

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """Begin whatever has a place."""
        able = [need for need in roster.needs_of(lane) if need.is_resident and need.has_work]
        turns = [Turn(need=need, admit=_oldest(roster, need, need.free_slots)) for need in able]
        turns = [turn for turn in turns if turn.admit or turn.need.running]
        return min(turns, key=lambda turn: _stepped_s(turn.need), default=None)

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """The model of the oldest request that has none; those of others may go for it once they are idle."""
        return _first_absent(roster, _by_arrival(roster.needs_on(device)), spares=False)

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """By arrival."""
        return sorted(_waiting(roster.needs.values()), key=_arrival)


def _arrival(entry: Entry) -> tuple[float, int]:
    return -entry.raised, entry.id


def _waiting(needs: Iterable[Need]) -> list[Entry]:
    return [entry for need in needs for entry in need.waiting.values()]


def _can_begin(roster: Roster, entry: Entry) -> bool:
    return entry.need.is_resident and entry.is_ready and entry.need.free_slots > 0 and not roster.is_paused


def _oldest(roster: Roster, need: Need, most: int) -> list[Entry]:
    """A model's oldest requests that can begin, no more than these."""
    if most <= 0 or roster.is_paused:
        return []
    ready = (entry for entry in need.waiting.values() if entry.is_ready)
    return sorted(ready, key=_arrival)[:most]


def _neighbours(roster: Roster, lane: str) -> list[Need]:
    """All models of the device of a lane."""
    return roster.needs_on(_device(roster, lane))


def _device(roster: Roster, lane: str) -> str:
    return next((need.device for need in roster.needs_of(lane)), "")


def _stepped_s(need: Need) -> float:
    return max((entry.stepped_s for entry in need.running.values()), default=0.0)


def _longest_unserved(needs: Sequence[Need]) -> Need:
    return min(needs, key=_stepped_s)


def _by_arrival(needs: Iterable[Need]) -> list[Need]:
    """Models with work, by their oldest request; those that run before those that do not."""
    working = [need for need in needs if need.has_work]
    return sorted(
        working,
        key=lambda need: (not need.running, min(map(_arrival, (need.running or need.waiting).values()))),
    )


def _first_absent(roster: Roster, needs: Iterable[Need], *, spares: bool = True) -> Want | None:
    """The first of these models that is absent, loaded as soon as those before it leave room."""
    before: list[object] = []
    for need in needs:
        if need.is_resident:
            before.append(need.key)
        elif need.waiting and not need.is_loading:
            spare = before if spares else ()
            return Want(need=need, can_load=roster.room_for(need, spare).fits, spare=spare)
    return None
