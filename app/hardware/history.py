"""History: what was sampled, as arrays for charts. Unknown is NaN, which a chart leaves out."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.hardware.clock import LONGEST_S
from engine.hardware import DeviceSample, TelemetrySample

Floats = npt.NDArray[np.float64]

DEVICE_SPAN_S: Final = 60.0
MOST_POINTS: Final = 300
_SAMPLES_PER_S: Final = 2
_NONE: Final = np.empty(0)


class Trace:
    """Two values over time, ours and all, in arrays that are made once.

    Thread: UI only.
    """

    def __init__(self, span_s: float) -> None:
        """Have room for twice a span, so that old samples are moved out of the way seldom."""
        self._span_s = span_s
        self._rows = np.empty((3, 2 * _SAMPLES_PER_S * math.ceil(span_s) + 8))
        self._count = 0

    def add(self, at_s: float, ours: float, used: float) -> None:
        """Note the next sample; NaN is unknown."""
        if self._count == self._rows.shape[1]:
            self._forget(at_s)
        self._rows[:, self._count] = (at_s, ours, used)
        self._count += 1

    def window(self, start_s: float) -> tuple[Floats, Floats, Floats]:
        """Times, ours and all since a moment, with one sample before it; views that are valid until the next `add`."""
        rows = self._rows[:, : self._count]
        first = max(0, int(np.searchsorted(rows[0], start_s)) - 1)
        return rows[0, first:], rows[1, first:], rows[2, first:]

    def _forget(self, now_s: float) -> None:
        first = int(np.searchsorted(self._rows[0], now_s - self._span_s))
        first = max(first, self._count // 2)  # more samples than were thought of: the older half goes
        kept = self._count - first
        self._rows[:, :kept] = self._rows[:, first:].copy()
        self._count = kept


class History:
    """Memory of the last hour, and use of each device in the last minute.

    Attributes:
        memory: in bytes.
        newest_s: when the newest sample was taken, on the monotonic clock; minus infinity before the first.

    Thread: UI only.
    """

    def __init__(self) -> None:
        self.memory = Trace(LONGEST_S)
        self.newest_s = -math.inf
        self._devices: dict[str, Trace] = {}

    def add(self, samples: Sequence[TelemetrySample]) -> bool:
        """Note what was sampled since the last call, the oldest first; what is known already is passed over.

        Returns:
            Whether there was anything new.
        """
        new = [sample for sample in samples if sample.at_s > self.newest_s]
        if not new:
            return False
        recent_s = new[-1].at_s - DEVICE_SPAN_S - 2
        for sample in new:
            self.memory.add(sample.at_s, sample.memory_ours_bytes, sample.memory_used_bytes)
            if sample.at_s >= recent_s:
                for device, value in sample.devices.items():
                    self._trace(device).add(sample.at_s, *_shares(value))
        self.newest_s = new[-1].at_s
        return True

    def device(self, device: str) -> tuple[Floats, Floats, Floats]:
        """Times, ours and all of a device in the last minute, as shares; empty if nothing is known of it."""
        trace = self._devices.get(device)
        return (_NONE, _NONE, _NONE) if trace is None else trace.window(self.newest_s - DEVICE_SPAN_S)

    def _trace(self, device: str) -> Trace:
        if device not in self._devices:
            self._devices[device] = Trace(DEVICE_SPAN_S)
        return self._devices[device]


def thinned(times: Floats, ours: Floats, used: Floats, span_s: float) -> tuple[Floats, Floats, Floats]:
    """Leave one point per slice of time, the highest of each: what came close to a limit stays visible.

    Slices begin at round moments, so a curve keeps its shape while it moves.

    Args:
        times: ascending, in seconds.
        ours: values at these times.
        used: likewise.
        span_s: what is shown; gives at most 300 slices.
    """
    slice_s = span_s / MOST_POINTS
    if len(times) <= MOST_POINTS // 2 or span_s / len(times) >= slice_s:
        return times, ours, used
    numbers = np.floor(times / slice_s)
    first = np.flatnonzero(np.diff(numbers, prepend=-math.inf))
    last = np.append(first[1:], len(times)) - 1
    return times[last], _highest(ours, first), _highest(used, first)


def _highest(values: Floats, first: npt.NDArray[np.intp]) -> Floats:
    highest: Floats = np.fmax.reduceat(values, first)
    return highest


def _shares(sample: DeviceSample) -> tuple[float, float]:
    """Ours and all; where only one is known, it stands for what can be drawn."""
    used, ours = sample.utilisation, sample.ours
    if used is None:
        return (math.nan, math.nan) if ours is None else (ours, ours)
    return (0.0, used) if ours is None else (min(ours, used), used)
