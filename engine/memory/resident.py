"""Resident: a model in memory, and how it stands there."""

from dataclasses import dataclass

from engine.backends.base import LoadedModel
from engine.memory.place import Place


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Resident:
    """A model in memory, as it was a moment ago.

    Attributes:
        model: which one.
        place: where.
        used_s: when a request last used it, on the monotonic clock.
        holders: requests that use it.
        waiting: requests that wait for it.
        is_pinned: whether it must stay.
        cost_s: seconds that its leaving is expected to cost, see `engine.memory.budget`.
        size_bytes: of the machine's memory, with the room that is promised to conversations.
    """

    model: LoadedModel
    place: Place
    used_s: float
    holders: int = 0
    waiting: int = 0
    is_pinned: bool = False
    cost_s: float = 0.0
    size_bytes: int = 0
