"""Processor time and memory of Hearth's own processes: this one and those that it was told about."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from engine.devices.telemetry.kept_file import KeptFile

log = logging.getLogger(__name__)

if sys.platform == "win32":
    _TICKS_PER_S = 100
else:
    _TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_STATUS_BYTES = 8192


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """Resident memory of processes, in bytes.

    Attributes:
        own_bytes: pages of their own; they would have to be swapped out.
        mapped_bytes: pages of files (programs, weights that are paged in); they can be dropped and read again. What
            two of the processes map is counted twice.
    """

    own_bytes: int = 0
    mapped_bytes: int = 0

    def __add__(self, other: "HeldMemory") -> "HeldMemory":
        return HeldMemory(self.own_bytes + other.own_bytes, self.mapped_bytes + other.mapped_bytes)


class _Watched(Protocol):
    """One process, by means of the system at hand; None once it has ended."""

    def cpu_s(self) -> float | None: ...

    def memory(self) -> HeldMemory | None: ...

    def close(self) -> None: ...


class OurProcesses:
    """Reads what Hearth's processes use.

    Resident sizes, not proportional ones: the latter make the kernel walk every page of a process, milliseconds for one
    that has a model in memory.

    Thread: one at a time.
    """

    def __init__(
        self,
        pids: Callable[[], Sequence[int]],
        root: Path = Path("/"),
        own_cpu_s: Callable[[], float] = time.process_time,
    ) -> None:
        """Begin with this process alone.

        Args:
            pids: the others that belong to Hearth; asked at every reading.
            root: where `proc` is; a test gives its own.
            own_cpu_s: processor seconds of this process; finer than the system's own count.
        """
        self._pids = pids
        self._root = root
        self._own_cpu_s = own_cpu_s
        self._self = _watch("self", root)
        self._children: dict[int, _Watched] = {}

    def pids(self) -> tuple[int, ...]:
        """All of them, this process first."""
        own = os.getpid()
        return (own, *(pid for pid in dict.fromkeys(self._pids()) if pid != own))

    def cpu_s(self) -> Mapping[int, float]:
        """Processor seconds since each began, by process id; those that have ended are not there."""
        counted = {pid: child.cpu_s() for pid, child in self._watched().items()}
        return {
            os.getpid(): self._own_cpu_s(),
            **{pid: seconds for pid, seconds in counted.items() if seconds is not None},
        }

    def memory(self) -> HeldMemory:
        """Resident memory of all of them."""
        whole = self._self.memory() or HeldMemory()
        for child in self._watched().values():
            whole += child.memory() or HeldMemory()
        return whole

    def close(self) -> None:
        """Release all files."""
        self._self.close()
        for child in self._children.values():
            child.close()
        self._children.clear()

    def _watched(self) -> Mapping[int, _Watched]:
        wanted = self.pids()[1:]
        for pid in self._children.keys() - set(wanted):
            self._children.pop(pid).close()
        for pid in wanted:
            if pid not in self._children:
                self._children[pid] = _watch(str(pid), self._root)
        return self._children


def _watch(name: str, root: Path) -> _Watched:
    return _LinuxProcess(root / "proc" / name) if sys.platform == "linux" else _AnyProcess(name)


class _LinuxProcess:
    """A folder of /proc, its files kept open."""

    def __init__(self, folder: Path) -> None:
        self._stat = KeptFile(folder / "stat")
        self._status = KeptFile(folder / "status", _STATUS_BYTES)

    def cpu_s(self) -> float | None:
        text = self._stat.text()
        if not text:
            return None
        fields = text[text.rindex(")") + 2 :].split(None, 13)  # the program's name may contain anything
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def memory(self) -> HeldMemory | None:
        text = self._status.text()
        if not text:
            return None
        own, file, shared = (_kibibytes(text, name) for name in ("RssAnon:", "RssFile:", "RssShmem:"))
        if own is None:  # a kernel that does not tell them apart
            whole = _kibibytes(text, "VmRSS:")
            return None if whole is None else HeldMemory(whole)
        return HeldMemory(own + (shared or 0), file or 0)

    def close(self) -> None:
        self._stat.close()
        self._status.close()


def _kibibytes(text: str, name: str) -> int | None:
    at = text.find(name)
    return None if at < 0 else int(text[at + len(name) : at + len(name) + 24].split(None, 1)[0]) << 10


class _AnyProcess:
    """A process as psutil sees it, where there is no /proc."""

    def __init__(self, name: str) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(None if name == "self" else int(name))
        except psutil.Error:
            self._process = None

    def cpu_s(self) -> float | None:
        try:
            times = self._process.cpu_times() if self._process is not None else None
        except psutil.Error:
            return None
        return None if times is None else float(times.user + times.system)

    def memory(self) -> HeldMemory | None:
        try:
            return None if self._process is None else HeldMemory(int(self._process.memory_info().rss))
        except psutil.Error:
            return None

    def close(self) -> None:
        self._process = None
