"""Headroom: whether battery and heat allow work that nobody waits for."""

import threading
import time
from collections.abc import Callable
from typing import Final

from engine.devices.battery import battery_left
from engine.scheduling.hardware import Hardware

LOW_BATTERY: Final = 20.0
"""Percent of the battery below which, while it is not charged, such work is held back."""
HOT_C: Final = 95.0
"""Degrees at which processors begin to slow down by themselves."""
WARM_C: Final = 80.0
"""From here on it is held back more and more."""
_INTERVAL_S: Final = 5.0


def headroom_of(battery_percent: float | None, temperature_c: float | None) -> float:
    """1 where there is room for work that nobody waits for, 0 where there is none.

    Args:
        battery_percent: what is left while the machine runs on its battery; None on mains, or if unknown.
        temperature_c: of the hottest device, in degrees Celsius; None if unknown.
    """
    if battery_percent is not None and battery_percent < LOW_BATTERY:
        return 0.0
    if temperature_c is None:
        return 1.0
    return min(1.0, max(0.0, (HOT_C - temperature_c) / (HOT_C - WARM_C)))


class HeadroomMeter:
    """Reads battery and temperatures every few seconds at most.

    Thread: any.
    """

    def __init__(
        self,
        temperature_c: Callable[[], float | None],
        battery_percent: Callable[[], float | None] = battery_left,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it.

        Args:
            temperature_c: of the hottest device.
            battery_percent: what is left, while the machine runs on its battery.
            clock: seconds.
        """
        self._temperature_c = temperature_c
        self._battery_percent = battery_percent
        self._clock = clock
        self._lock = threading.Lock()
        self._read_s = -_INTERVAL_S  # guarded by _lock
        self._headroom = 1.0  # guarded by _lock

    def read(self) -> float:
        """The headroom now, in [0, 1]."""
        with self._lock:
            now_s = self._clock()
            if now_s >= self._read_s + _INTERVAL_S:
                self._headroom = headroom_of(self._battery_percent(), self._temperature_c())
                self._read_s = now_s
            return self._headroom


def hottest_c(hardware: Hardware) -> float | None:
    """Temperature of the hottest device, by the newest sample; None if none is known."""
    latest = hardware.telemetry.latest()
    known = [] if latest is None else [s.temperature_c for s in latest.devices.values() if s.temperature_c is not None]
    return max(known, default=None)
