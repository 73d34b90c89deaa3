"""What has happened to the devices, and when one begins to be slowed down."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Final

from engine.hardware import DeviceSample, HardwareEvent, HardwareEventKind

MOST_EVENTS: Final = 256
CALM_S: Final = 10.0
"""A device at its limit is slowed down and not slowed down in turns; that is one event and not one per second."""


class EventLog:
    """Keeps the newest events.

    Thread: any.
    """

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._lock = threading.Lock()
        self._events: deque[HardwareEvent] = deque(maxlen=most)  # guarded by _lock

    def note(self, event: HardwareEvent) -> None:
        """Keep an event."""
        with self._lock:
            self._events.append(event)

    def all(self) -> tuple[HardwareEvent, ...]:
        """All that are kept, newest last."""
        with self._lock:
            return tuple(self._events)


class ThrottleWatch:
    """Notices when a device begins to be slowed down.

    Thread: one at a time.
    """

    def __init__(self) -> None:
        self._slowed_s: dict[str, float] = {}  # when a device was last seen slowed down

    def begun(self, at_s: float, samples: Mapping[str, DeviceSample]) -> list[HardwareEvent]:
        """Events for devices that are slowed down now, and were not for some time.

        Args:
            at_s: time of the samples.
            samples: by device id.
        """
        events = []
        for device, sample in samples.items():
            if sample.is_throttled:
                if at_s - self._slowed_s.get(device, float("-inf")) > CALM_S:
                    events.append(_throttled(at_s, device, sample))
                self._slowed_s[device] = at_s
        return events


def _throttled(at_s: float, device: str, sample: DeviceSample) -> HardwareEvent:
    facts = [
        *(() if sample.temperature_c is None else (f"{sample.temperature_c:.0f} °C",)),
        *(() if sample.power_w is None else (f"{sample.power_w:.0f} W",)),
    ]
    return HardwareEvent(
        at_s=at_s,
        kind=HardwareEventKind.THROTTLED,
        device=device,
        title="slowed down by heat or a power limit",
        detail=", ".join(facts),
    )
