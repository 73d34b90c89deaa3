"""The machine's memory: how much is in use, how much of that by Hearth."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.devices.cgroup import CgroupLimits, read_limits
from engine.devices.telemetry.kept_file import KeptFile, Seldom
from engine.devices.telemetry.processes import OurProcesses

_UNLIMITED_PERIOD_S = 30.0  # a limit seldom comes later, and looking for one opens a dozen files
_SWAP_PERIOD_S = 5.0  # on Windows a swap figure costs more than everything else here


@dataclass(frozen=True, slots=True)
class MachineMemory:
    """The machine's memory at one moment, in bytes.

    Attributes:
        used: of what this process may use (all of it, or the control group's limit), by anybody. What the system
            could drop at once is not in use, with one exception: weights and programs that Hearth has mapped are, since
            dropping them means reading them again.
        ours: by Hearth's processes; at most `used`.
        swap_used: of the swap space.
    """

    used: int
    ours: int
    swap_used: int | None


@dataclass(frozen=True, slots=True)
class SystemMemory:
    """What the system says, in bytes.

    Attributes:
        total: all there is.
        available: what can be taken without swapping.
        mapped: pages of files that any process has mapped; None if the system does not say.
        swap_used: of the swap space; None if the system does not say.
    """

    total: int
    available: int
    mapped: int | None = None
    swap_used: int | None = None


class MemInfo:
    """Reads Linux' `/proc/meminfo`.

    Thread: one at a time.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._path = root / "proc/meminfo"
        self._file = KeptFile(self._path)

    def __call__(self) -> SystemMemory:
        """Read it.

        Raises:
            OSError: the file cannot be read.
        """
        text = self._file.text()
        if not text:
            raise OSError(f"{self._path} cannot be read")
        found = {}
        for line in text.splitlines():
            name, _, value = line.partition(":")
            found[name] = value
        total, available, mapped, swap, free = (
            int(found[name].split()[0]) << 10 if name in found else None
            for name in ("MemTotal", "MemAvailable", "Mapped", "SwapTotal", "SwapFree")
        )
        if total is None or available is None:
            raise OSError(f"{self._path} does not say how much memory there is")
        return SystemMemory(total, available, mapped, None if swap is None or free is None else swap - free)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _swap_used() -> int | None:
    """Asks psutil; None where Windows' performance counters are switched off, which is all that it reads."""
    try:
        return int(psutil.swap_memory().used)
    except (OSError, RuntimeError):
        return None


class PsutilMemory:
    """Asks psutil, on systems without `/proc/meminfo`.

    Thread: one at a time.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._swap = Seldom(_SWAP_PERIOD_S, _swap_used)

    def __call__(self) -> SystemMemory:
        """Ask it."""
        memory = psutil.virtual_memory()
        return SystemMemory(int(memory.total), int(memory.available), swap_used=self._swap.value(self._clock()))

    def close(self) -> None:
        """Nothing is held."""


class MemoryMeter:
    """Reads the machine's memory.

    Thread: one at a time.
    """

    def __init__(self, processes: OurProcesses, clock: Callable[[], float], root: Path = Path("/")) -> None:
        """Nothing is read yet.

        Args:
            processes: those that are ours.
            clock: monotonic, in seconds.
            root: where `proc` and `sys` are; a test gives its own.
        """
        self._processes = processes
        self._root = root
        self._system = MemInfo(root) if sys.platform == "linux" else PsutilMemory(clock)
        self._limits = Seldom(_UNLIMITED_PERIOD_S, lambda: read_limits(root))

    def read(self, now_s: float) -> MachineMemory:
        """What is in use now; `now_s` is on the monotonic clock.

        Raises:
            OSError: the system does not say.
        """
        system, held = self._system(), self._processes.memory()
        # Two of our processes map the same libraries and weights; all processes together cannot map more than this.
        mapped = held.mapped_bytes if system.mapped is None else min(held.mapped_bytes, system.mapped)
        ours = held.own_bytes + mapped
        limits = self._limits.value(now_s)
        if limits.memory_bytes is not None and limits.memory_bytes < system.total:
            used = _used_of_group(system, read_limits(self._root))
        else:
            used = system.total - system.available + mapped
        return MachineMemory(max(used, ours), ours, system.swap_used)

    def close(self) -> None:
        """Release the files."""
        self._system.close()


def _used_of_group(system: SystemMemory, limits: CgroupLimits) -> int:
    # As `machine.available_memory_bytes` has it: the group's limit, or the machine's end where that comes sooner.
    limit = min(limits.memory_bytes or system.total, system.total)
    used = limits.memory_used_bytes or 0
    return limit - max(0, min(system.available, limit - used))
