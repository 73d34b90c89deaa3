"""EventLog: the events of the last hour, each with a number that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.hardware import HardwareEvent

MOST_SHOWN: Final = 50
_HIGHEST: Final = 99  # more does not fit into a circle of 16 pixels


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event, and the number that ties its row to its mark on the time axis."""

    number: int
    event: HardwareEvent


class EventLog:
    """Numbers events as they come; after 99 the numbers begin anew.

    Thread: UI only.
    """

    def __init__(self) -> None:
        self._events: list[NumberedEvent] = []
        self._next = 1

    def add(self, events: Sequence[HardwareEvent]) -> bool:
        """Take all events there are, the oldest first; those known already keep their numbers.

        Returns:
            Whether there was a new one.
        """
        known = [entry.event for entry in self._events]
        newest_s = known[-1].at_s if known else float("-inf")
        new = [event for event in events if event.at_s >= newest_s and event not in known]
        for event in new:
            self._events.append(NumberedEvent(self._next, event))
            self._next = self._next % _HIGHEST + 1
        del self._events[:-_HIGHEST]
        return bool(new)

    def since(self, start_s: float) -> tuple[NumberedEvent, ...]:
        """The newest fifty since a moment of the monotonic clock, the oldest first."""
        return tuple(entry for entry in self._events if entry.event.at_s >= start_s)[-MOST_SHOWN:]
