"""An hour of samples, and how much energy went by in a part of it."""

import threading
from collections import deque
from itertools import pairwise
from typing import Final

from engine.hardware import TelemetrySample

KEPT_S: Final = 3600.0
MOST_SAMPLES: Final = 7200
"""An hour at two samples per second."""

BELIEVED_S: Final = 3.0
"""How long a power reading stands for what was not sampled; a longer gap (the machine slept) is unknown."""


class History:
    """Keeps samples for an hour.

    Thread: any.
    """

    def __init__(self, kept_s: float = KEPT_S, most: int = MOST_SAMPLES) -> None:
        """Begin empty.

        Args:
            kept_s: how long a sample is kept.
            most: how many are kept.
        """
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._samples: deque[TelemetrySample] = deque(maxlen=most)  # guarded by _lock
        self._latest: TelemetrySample | None = None

    @property
    def latest(self) -> TelemetrySample | None:
        """The newest sample; None before the first."""
        return self._latest

    def add(self, sample: TelemetrySample) -> None:
        """Keep a sample, which is newer than all others, and drop those that have become too old."""
        with self._lock:
            self._samples.append(sample)
            while self._samples[0].at_s < sample.at_s - self._kept_s:
                self._samples.popleft()
        self._latest = sample

    def since(self, since_s: float) -> tuple[TelemetrySample, ...]:
        """Samples taken at that time or later, oldest first."""
        found = []
        with self._lock:
            for sample in reversed(self._samples):
                if sample.at_s < since_s:
                    break
                found.append(sample)
        return tuple(reversed(found))

    def energy_j(self, device: str, from_s: float, to_s: float) -> float | None:
        """Energy that a device took between two moments, in joules, whoever made it work.

        A sample's power stands for the time since the sample before it. The newest one stands for what has come after
        it as well, for three seconds: a request ends between two samples.

        Args:
            device: id.
            from_s: begin, on the clock of the samples.
            to_s: end.

        Returns:
            the energy; None if power was unknown at any time in between.
        """
        # The sample that ends the interval in which `from_s` lies, and the one before it, are needed too.
        samples = self.since(from_s - BELIEVED_S)
        if to_s <= from_s:
            return 0.0
        if not samples:
            return None
        spans = [(before.at_s, after.at_s, after) for before, after in pairwise(samples)]
        spans.append((samples[-1].at_s, samples[-1].at_s + BELIEVED_S, samples[-1]))
        energy_j, covered_s = 0.0, 0.0
        for begin_s, end_s, sample in spans:
            part_s = min(end_s, to_s) - max(begin_s, from_s)
            if part_s <= 0:
                continue
            known = sample.devices.get(device)
            if known is None or known.power_w is None or end_s - begin_s > BELIEVED_S:
                return None
            energy_j += known.power_w * part_s
            covered_s += part_s
        return energy_j if covered_s >= (to_s - from_s) * 0.999 else None
