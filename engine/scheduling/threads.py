"""ThreadGovernor: how many CPU threads the lane should use right now.

Why: llama.cpp's threads wait for each other after every matrix product. When one of them loses its core to another
program, all the others wait for it, and decoding can fall 2x to 50x. One thread fewer than the cores that are really
free keeps nearly all of the speed. Whether it does is tried out, because it depends on the others (`ThreadTrials`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.devices.cpu_load import CpuLoad, CpuLoadMeter
from engine.scheduling.thread_trials import ThreadTrials

SAMPLE_INTERVAL_S = 0.2
"""Twenty ticks of the kernel's counters, so that a sample is good to about 5 % of a core."""

TAKEN_CORES = 0.5
"""A core counts as taken by others from this share of it on: below, a short waiting beats a core given up."""

RELEASED_CORES = 0.25
"""Others must fall this far below before the core is claimed again; the gap keeps the count from flapping."""

QUIET_SAMPLES = 3
"""Samples in a row that must agree before a thread is added; one is enough to give a thread up."""


@dataclass(frozen=True, slots=True)
class ThreadChoice:
    """How many threads, and why, in one sentence."""

    threads: int
    reason: str


class Governor(Protocol):
    """Says how many threads a lane should use.

    Attributes:
        choice: what it said last.
    """

    choice: ThreadChoice

    def update(self) -> ThreadChoice:
        """Say it anew; cheap enough for every step."""

    def note(self, work: object, duration_s: float) -> None:
        """Take account of a step that decoded."""


class FixedThreads:
    """The same number always: for lanes whose work is done elsewhere, where the processor only helps.

    Attributes:
        choice: the number, and why.
    """

    def __init__(self, threads: int, reason: str) -> None:
        self.choice = ThreadChoice(threads, reason)

    def update(self) -> ThreadChoice:
        """Return the choice."""
        return self.choice

    def note(self, work: object, duration_s: float) -> None:
        """Nothing follows from it."""


class ThreadGovernor:
    """Chooses the number of threads from what other programs use, and from what its choices did to the speed.

    Thread: one lane.
    """

    def __init__(
        self,
        cores: int,
        fixed: int | None = None,
        meter: Callable[[], CpuLoad | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a governor.

        Args:
            cores: most threads that are ever useful, normally the physical cores.
            fixed: always use this many instead.
            meter: returns the load since its last call, or None if too little time has passed.
            clock: monotonic, in seconds.
        """
        self._cores = max(1, cores)
        self._meter = meter or _periodic(CpuLoadMeter())
        self._is_fixed = fixed is not None
        self._free = self._cores  # cores that others leave
        self._others = 0.0  # cores that others used when `_free` was last changed
        self._told = (self._cores, self._cores)  # what `choice` says: threads, and cores that others leave
        self._quiet_samples = 0
        self._trials = ThreadTrials(clock)
        self.choice = (
            ThreadChoice(fixed, f"{_threads(fixed)}, as set by hand")
            if fixed is not None
            else ThreadChoice(self._cores, f"{_threads(self._cores)}: the machine is quiet")
        )

    def update(self) -> ThreadChoice:
        """Return the current choice, reconsidered if a sample is due; cheap enough for every step."""
        if self._is_fixed:
            return self.choice
        if (load := self._meter()) is not None:
            self._consider(load)
        threads = self._cores if self._free == self._cores else self._trials.pick(self._free, self._cores)
        if (threads, self._free) != self._told:
            self._told = (threads, self._free)
            self.choice = ThreadChoice(threads, self._reason(threads))
        return self.choice

    def note(self, work: object, duration_s: float) -> None:
        """Take account of a step that decoded; `work` says what, because only equal work is compared."""
        if not self._is_fixed and self._free < self._cores:
            self._trials.note(work, duration_s)

    def _consider(self, load: CpuLoad) -> None:
        allowed = max(1, int(self._cores - load.others + TAKEN_CORES))
        if allowed < self._free:
            self._quiet_samples = 0
            self._free, self._others = allowed, load.others
            return
        claimable = max(1, int(self._cores - load.others + RELEASED_CORES))
        if claimable <= self._free:
            self._quiet_samples = 0
            return
        self._quiet_samples += 1
        if self._quiet_samples >= QUIET_SAMPLES:
            self._quiet_samples = 0
            self._free, self._others = claimable, load.others

    def _reason(self, threads: int) -> str:
        if self._free == self._cores:
            return f"{_threads(threads)}: the machine is quiet"
        others = f"other programs use {self._others:.1f} cores"
        if threads == self._cores:
            return f"{_threads(threads)}: {others}, but fewer threads were not faster"
        return f"{_threads(threads)} instead of {self._cores}: {others}"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _periodic(meter: CpuLoadMeter) -> Callable[[], CpuLoad | None]:
    """Sample a meter at most every `SAMPLE_INTERVAL_S`; the first sample after an idle stretch covers the stretch."""

    def sample() -> CpuLoad | None:
        return meter.sample() if meter.elapsed_s >= SAMPLE_INTERVAL_S else None

    return sample
