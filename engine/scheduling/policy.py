"""Policy: what decides which requests begin, which model steps, and which one is loaded next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.scheduling.entries import Entry, Need
from engine.scheduling.roster import Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a lane does next: one step of one model.

    Attributes:
        need: the model.
        suspend: requests that leave the batch first.
        admit: requests that begin, best first, as far as the model has room.
        rest: requests that keep their place and sit this step out.
    """

    need: Need
    suspend: Sequence[Entry] = ()
    admit: Sequence[Entry] = ()
    rest: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """The model that should be loaded next on a device.

    Attributes:
        need: the model.
        can_load: whether there is room for it, or room can be made of idle ones.
        spare: keys of models that must not be evicted for it.
        freeze: if it cannot be loaded yet: models that admit nothing new, so that they become idle.
        suspend: whether those leave at once, rather than when their running requests have ended.
    """

    need: Need
    can_load: bool
    spare: Sequence[object] = ()
    freeze: Sequence[Need] = ()
    suspend: bool = False


class Policy(Protocol):
    """Decides, from the roster and the time alone; keeps at most what it decided last."""

    def turn(self, roster: Roster, lane: str, now_s: float) -> Turn | None:
        """What a lane does next; None if there is nothing that it may do."""

    def want(self, roster: Roster, device: str, now_s: float) -> Want | None:
        """What is loaded next on a device; None if everything that is needed is loaded."""

    def order(self, roster: Roster, now_s: float) -> list[Entry]:
        """All requests that wait, next first."""
