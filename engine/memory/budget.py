"""A budget of memory: what is in it, and which models leave so that another fits.

Only bookkeeping: no thread, no clock, no file. `Residency` keeps one for the machine's memory and one for each device
with memory of its own; a simulator keeps the same for memory that does not exist.

**Who leaves.** Of the models that nobody holds, those leave first whose leaving costs least for what it frees:

    value = reload_s * likelihood / min(size_bytes, missing_bytes)

`likelihood` is that of a use soon: 1 while a request waits for the model, else `1 - exp(-uses)`. `uses` is the number
of uses, of which each counts half as much for every `HALF_LIFE_S` that it lies back: if requests keep coming as they
did, that is how many are to be expected within the next `HALF_LIFE_S / ln 2`. Freeing more than is missing earns
nothing, so a large model does not go for a small one's sake only because its bytes are cheap.
"""

import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

HALF_LIFE_S: Final = 600.0
"""A use counts half as much after this time. Ten minutes: a conversation that has paused, not one that has ended."""


@dataclass(slots=True, kw_only=True)
class Holding:
    """A model in memory.

    Attributes:
        key: which one, and where.
        size_bytes: what it takes of this memory.
        reload_s: seconds that loading it again takes.
        used_s: when it was last used; the clock is the caller's.
        uses: how often it was used, older uses counting less; as it was at `used_s`.
        holders: requests that use it now.
        wanted: requests that wait for it.
        is_pinned: whether it must stay.
    """

    key: Hashable
    size_bytes: int
    reload_s: float
    used_s: float
    uses: float = 0.0
    holders: int = 0
    wanted: int = 0
    is_pinned: bool = False

    def uses_at(self, now_s: float) -> float:
        """How often it was used, as that counts now."""
        return self.uses * math.exp2(-max(0.0, now_s - self.used_s) / HALF_LIFE_S)

    def likelihood(self, now_s: float) -> float:
        """How likely a use soon is, 0 to 1."""
        return 1.0 if self.wanted or self.holders else -math.expm1(-self.uses_at(now_s))

    def cost_s(self, now_s: float) -> float:
        """Seconds that its leaving is expected to cost."""
        return self.reload_s * self.likelihood(now_s)


@dataclass(frozen=True, slots=True)
class Room:
    """How to make room for a model.

    Attributes:
        fits: whether it fits once `victims` have gone.
        victims: idle ones to let go, cheapest first, and no more than needed. If it does not fit: those that would have
            to go beside `busy`; none where even that is not enough.
        missing_bytes: what is missing even when all have gone that may go; 0 if it fits.
        busy: if it does not fit: the held ones whose leaving, beside that of `victims`, would make it fit, cheapest
            first and no more than needed; empty if it fits, and where even that is not enough.
        evicted_bytes: what `victims` hold.
    """

    fits: bool
    victims: tuple[Hashable, ...]
    missing_bytes: int
    busy: tuple[Hashable, ...]
    evicted_bytes: int


@dataclass(slots=True)
class MemoryBudget:
    """The models in one memory, and how much of it they may take.

    What is said of a model that is not in memory (holders, requests that wait, a pin, its uses) is kept for when it is.

    Thread: none of its own; the caller guards it.

    Attributes:
        limit_bytes: most that all models together may take; None sets no limit.
    """

    limit_bytes: int | None = None
    used_bytes: int = field(default=0, init=False)
    _present: dict[Hashable, Holding] = field(default_factory=dict, init=False)
    _absent: dict[Hashable, Holding] = field(default_factory=dict, init=False)

    @property
    def holdings(self) -> Mapping[Hashable, Holding]:
        """The models in memory; to read only."""
        return MappingProxyType(self._present)

    def set_limit(self, limit_bytes: int | None) -> None:
        """Allow this much from now on. Nothing leaves by itself: `room_for(0, ...)` says who should."""
        self.limit_bytes = limit_bytes

    def add(self, key: Hashable, size_bytes: int, reload_s: float, now_s: float) -> None:
        """Note that a model is in memory, or that one which is takes another size. That counts as no use."""
        holding = self._of(key, now_s)
        if key not in self._present:
            _age(holding, now_s)
        self.remove(key)
        self._absent.pop(key, None)
        holding.size_bytes, holding.reload_s = size_bytes, reload_s
        self._present[key] = holding
        self.used_bytes += size_bytes

    def remove(self, key: Hashable) -> None:
        """Note that a model has left; nothing happens if it was not there."""
        if (holding := self._present.pop(key, None)) is not None:
            self.used_bytes -= holding.size_bytes
            holding.size_bytes = 0
            self._absent[key] = holding

    def hold(self, key: Hashable, now_s: float) -> None:
        """Count a request that uses a model; such a model is never a victim. Counts as a use."""
        self.touch(key, now_s)
        self._of(key, now_s).holders += 1

    def let_go(self, key: Hashable, now_s: float) -> None:
        """Undo one `hold`."""
        holding = self._of(key, now_s)
        holding.holders = max(0, holding.holders - 1)
        _age(holding, now_s)

    def touch(self, key: Hashable, now_s: float) -> None:
        """Count a use of a model."""
        holding = self._of(key, now_s)
        _age(holding, now_s)
        holding.uses += 1.0

    def want(self, key: Hashable, count: int) -> None:
        """Say how many requests wait for a model now: not how many more."""
        self._of(key, 0.0).wanted = count

    def pin(self, key: Hashable, is_pinned: bool) -> None:
        """Keep a model from being a victim, or no longer."""
        self._of(key, 0.0).is_pinned = is_pinned

    def adopt(self, other: Holding) -> None:
        """Take over who holds, wants and uses a model from what another memory knows of it."""
        holding = self._of(other.key, other.used_s)
        holding.used_s, holding.uses, holding.holders = other.used_s, other.uses, other.holders
        holding.wanted, holding.is_pinned = other.wanted, other.is_pinned

    def room_for(
        self, size_bytes: int, now_s: float, spare: Collection[Hashable] = (), free_bytes: int | None = None
    ) -> Room:
        """Say how to make room for a model; changes nothing.

        Args:
            size_bytes: of the model that is to come.
            now_s: the time, on the same clock as always.
            spare: those that must stay now, whatever they are worth.
            free_bytes: what the memory really has free, where other programs use it too; as binding as the limit.
        """
        missing = 0 if self.limit_bytes is None else self.used_bytes + size_bytes - self.limit_bytes
        if free_bytes is not None:
            missing = max(missing, size_bytes - free_bytes)
        if missing <= 0:
            return Room(True, (), 0, (), 0)
        movable = [h for key, h in self._present.items() if not h.is_pinned and key not in spare and h.size_bytes > 0]
        idle = [holding for holding in movable if not holding.holders]
        lacking = missing - _size(idle)
        busy: list[Holding] = []
        if lacking > 0:
            held = [holding for holding in movable if holding.holders]
            if _size(held) < lacking:
                return Room(False, (), lacking, (), 0)
            busy = _cheapest(held, lacking, now_s)
        victims = _cheapest(idle, missing - _size(busy), now_s)
        return Room(lacking <= 0, _keys(victims), max(0, lacking), _keys(busy), _size(victims))

    def _of(self, key: Hashable, now_s: float) -> Holding:
        if (holding := self._present.get(key) or self._absent.get(key)) is None:
            holding = self._absent[key] = Holding(key=key, size_bytes=0, reload_s=0.0, used_s=now_s)
        return holding


def _age(holding: Holding, now_s: float) -> None:
    holding.uses = holding.uses_at(now_s)
    holding.used_s = max(holding.used_s, now_s)


def _cheapest(candidates: Iterable[Holding], missing_bytes: int, now_s: float) -> list[Holding]:
    """Choose holdings that free this much, the least valuable first, and none that is not needed."""
    left = {holding.key: holding for holding in candidates}
    chosen: list[Holding] = []
    missing = missing_bytes
    while missing > 0 and left:
        best = min(left.values(), key=lambda holding: _rank(holding, missing, now_s))
        chosen.append(left.pop(best.key))
        missing -= best.size_bytes
    for holding in sorted(chosen, key=lambda holding: _rank(holding, missing_bytes, now_s), reverse=True):
        if missing + holding.size_bytes <= 0:
            chosen.remove(holding)
            missing += holding.size_bytes
    return sorted(chosen, key=lambda holding: _rank(holding, missing_bytes, now_s))


def _rank(holding: Holding, missing_bytes: int, now_s: float) -> tuple[float, float, int, str]:
    """Order of leaving: the value; of equals what lies longer unused, then what is larger, then the name."""
    value = holding.cost_s(now_s) / min(holding.size_bytes, missing_bytes)
    return value, holding.used_s, -holding.size_bytes, repr(holding.key)


def _size(holdings: Iterable[Holding]) -> int:
    return sum(holding.size_bytes for holding in holdings)


def _keys(holdings: Iterable[Holding]) -> tuple[Hashable, ...]:
    return tuple(holding.key for holding in holdings)
