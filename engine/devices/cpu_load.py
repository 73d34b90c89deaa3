"""How busy the processor is, split into this process and everybody else."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds of CPU time used since some fixed point, at one moment.

    Attributes:
        at_s: monotonic clock.
        all_s: by every process of the machine, idle and waiting time not counted.
        own_s: by this process, all threads.
    """

    at_s: float
    all_s: float
    own_s: float


@dataclass(frozen=True, slots=True)
class CpuLoad:
    """Average load over an interval, in cores (1.0 is one core fully used).

    Attributes:
        ours: used by this process.
        others: used by everybody else.
    """

    ours: float
    others: float


def read_cpu_times() -> CpuTimes:
    """Read the counters; costs well under a tenth of a millisecond on Linux."""
    times = psutil.cpu_times()
    # Guest time is already part of user time; steal is time that another virtual machine took from us.
    busy_s = times.user + times.system + sum(getattr(times, name, 0.0) for name in ("nice", "irq", "softirq"))
    return CpuTimes(time.monotonic(), busy_s, time.process_time())


class CpuLoadMeter:
    """Measures the load between two calls.

    Thread: one thread.
    """

    def __init__(self, read: Callable[[], CpuTimes] = read_cpu_times) -> None:
        self._read = read
        self._last = read()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the last sample."""
        return time.monotonic() - self._last.at_s

    def sample(self) -> CpuLoad:
        """Return the load since the last sample, and begin a new interval."""
        now, last = self._read(), self._last
        self._last = now
        interval_s = max(now.at_s - last.at_s, 1e-6)
        ours = max(0.0, now.own_s - last.own_s) / interval_s
        # The machine's counters tick in hundredths of a second and ours do not, so the difference can dip below zero.
        others = max(0.0, (now.all_s - last.all_s) / interval_s - ours)
        return CpuLoad(ours, others)
