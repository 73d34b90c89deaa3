"""How busy the processor is, core by core, and how much of that is Hearth's work."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from engine.devices.telemetry.kept_file import KeptFile
from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.sample_parts import share
from engine.hardware import DeviceSample

LEAST_INTERVAL_S: Final = 0.05
"""The system counts in hundredths of a second; over less than a few of them, shares mean nothing."""

_LINE_BYTES = 192  # more than a line of /proc/stat can have

# In an interval of a second a core's share has a hundred steps, so an hour of samples can share their numbers.
_HUNDREDTHS = tuple(number / 100 for number in range(101))


@dataclass(frozen=True, slots=True)
class CoreTimes:
    """What the system has counted for each core since it started, in any unit.

    Attributes:
        busy: time in which it worked for a process or for the system.
        whole: all time.
    """

    busy: tuple[float, ...]
    whole: tuple[float, ...]


class StatTimes:
    """Reads them from Linux' `/proc/stat`, in a quarter of the time that psutil takes.

    Thread: one at a time.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._path = root / "proc/stat"
        self._file = KeptFile(self._path, _LINE_BYTES * (2 + (psutil.cpu_count() or 1)))

    def __call__(self) -> CoreTimes:
        """Read them.

        Raises:
            OSError: the file cannot be read.
        """
        text = self._file.text()
        if not text:
            raise OSError(f"{self._path} cannot be read")
        busy, whole = [], []
        for line in text.splitlines()[1:]:  # the first line is the sum, of sleeping cores as well
            if not line.startswith("cpu"):
                break
            # Guest time follows, which is part of user time already.
            user, nice, system, idle, waiting, *rest = [int(field) for field in line.split()[1:9]]
            interrupts, stolen = sum(rest[:2]), sum(rest[2:3])
            busy.append(user + nice + system + interrupts)
            whole.append(busy[-1] + idle + waiting + stolen)
        return CoreTimes(tuple(busy), tuple(whole))

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def psutil_times() -> CoreTimes:
    """Read them by psutil, in seconds, on systems without `/proc/stat`."""
    busy, whole = [], []
    for times in psutil.cpu_times(percpu=True):
        # On Windows, time for interrupts is part of `system`.
        busy.append(times.user + times.system + getattr(times, "nice", 0.0))
        whole.append(busy[-1] + times.idle)
    return CoreTimes(tuple(busy), tuple(whole))


class ProcessorSource:
    """The processor: use by anybody, use by Hearth's processes, and each core's. Shares are of all cores together.

    Thread: one at a time.
    """

    def __init__(
        self,
        device: str,
        processes: OurProcesses,
        root: Path = Path("/"),
        times: Callable[[], CoreTimes] | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            device: id of the processor.
            processes: those that are ours.
            root: where `proc` is.
            times: reads the counters; a test gives its own.
        """
        self._device = device
        self._processes = processes
        self._stat = StatTimes(root) if times is None and sys.platform == "linux" else None
        self._times = times or self._stat or psutil_times
        self._last: tuple[float, CoreTimes, Mapping[int, float]] | None = None
        self._sample = DeviceSample()

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What it did since the last call; unknown at the first.

        Raises:
            OSError: the system's counters cannot be read.
        """
        if self._last is None or now_s - self._last[0] >= LEAST_INTERVAL_S:
            last, self._last = self._last, (now_s, self._times(), self._processes.cpu_s())
            if last is not None:
                self._sample = self._since(*last)
        return {self._device: self._sample}

    def close(self) -> None:
        """Release the files."""
        if self._stat is not None:
            self._stat.close()

    def _since(self, at_s: float, times: CoreTimes, ours: Mapping[int, float]) -> DeviceSample:
        assert self._last is not None
        now_s, now, ours_now = self._last
        if len(now.whole) != len(times.whole) or not now.whole:
            return DeviceSample()  # a core was switched on or off: nothing to compare with
        busy = [after - before for after, before in zip(now.busy, times.busy, strict=True)]
        whole = [after - before for after, before in zip(now.whole, times.whole, strict=True)]
        # A process that has just begun counts from the next sample on: when it began within this one is not known.
        spent_s = sum(max(0.0, ours_now[pid] - ours[pid]) for pid in ours_now.keys() & ours.keys())
        return DeviceSample(
            utilisation=share(sum(busy), sum(whole)),
            ours=share(spent_s, (now_s - at_s) * len(whole)),
            cores=tuple(_hundredth(part, total) for part, total in zip(busy, whole, strict=True))
            if min(whole) > 0
            else (),
        )


def _hundredth(part: float, whole: float) -> float:
    return _HUNDREDTHS[min(100, max(0, round(100 * part / whole)))]
