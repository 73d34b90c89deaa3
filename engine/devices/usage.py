"""What this process uses of the machine, sampled seldom and read often."""

import time
from dataclasses import dataclass

import psutil

from engine.devices.cpu_load import CpuLoad, CpuLoadMeter
from engine.devices.machine import memory_limit_bytes, usable_cores

SAMPLE_INTERVAL_S = 0.4
"""Twenty to forty ticks of the system's counters, and often enough for a meter that moves twice a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUsage:
    """What this process uses, and what others leave.

    Attributes:
        memory_bytes: resident memory.
        memory_limit_bytes: RAM, or the control group's limit.
        cpu_ours: share of the usable cores that this process uses, in [0, 1].
        cpu_others: share that other programs use, in [0, 1].
    """

    memory_bytes: int
    memory_limit_bytes: int
    cpu_ours: float
    cpu_others: float


class UsageMeter:
    """Reads the system's files at most every `SAMPLE_INTERVAL_S`; in between, the last sample is as good.

    Why: a reading opens a dozen files, which costs the caller, normally the thread of the window, milliseconds while a
    model computes.

    Thread: one at a time.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpu = CpuLoadMeter()
        self._sampled_s = time.monotonic()
        self._latest = self._read(CpuLoad(0.0, 0.0))

    def latest(self) -> ProcessUsage:
        """Return the latest sample, taking a new one if it is due."""
        if time.monotonic() - self._sampled_s >= SAMPLE_INTERVAL_S:
            self._sampled_s = time.monotonic()
            self._latest = self._read(self._cpu.sample())
        return self._latest

    def _read(self, load: CpuLoad) -> ProcessUsage:
        cores = usable_cores()
        return ProcessUsage(
            memory_bytes=self._process.memory_info().rss,
            memory_limit_bytes=memory_limit_bytes(),
            cpu_ours=min(1.0, load.ours / cores),
            cpu_others=min(1.0, load.others / cores),
        )
