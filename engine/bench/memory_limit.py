"""A memory limit for a program that a bench starts: a control group of its own, where that is allowed."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOUNT: Final = Path("/sys/fs/cgroup")
_KILLED: Final = (-9, 137)


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """A control group with a memory limit.

    Attributes:
        folder: of the group.
        processes: file that takes the number of a process.
    """

    folder: Path
    processes: Path

    def run(self, command: Sequence[str], timeout_s: float) -> "subprocess.CompletedProcess[str]":
        """Run a program inside, with nothing of its files in the system's cache that others have paid for.

        Raises:
            subprocess.TimeoutExpired: it took too long, and was killed.
        """
        # The program joins the group itself, before it takes any memory.
        script = 'echo $$ > "$1"; shift; exec "$@"'
        return subprocess.run(
            ["/bin/sh", "-c", script, "sh", str(self.processes), *command],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[MemoryGroup | None]:
    """A control group that allows so much memory, the system's cache included, and no swap; None if none can be made.

    Args:
        limit_bytes: of all programs in it together.
    """
    group = _make(limit_bytes)
    try:
        yield group
    finally:
        if group is not None:
            with suppress(OSError):
                (group.folder / "memory.force_empty").write_text("0")  # version 1 keeps the cache charged otherwise
            with suppress(OSError):
                group.folder.rmdir()


def was_killed(code: int) -> bool:
    """Whether a program ended as one does that took more memory than there was."""
    return code in _KILLED


def forget_file(path: Path) -> None:
    """Drop a file from the system's cache: what is in it already is charged to nobody's limit."""
    if sys.platform != "linux":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _make(limit_bytes: int) -> MemoryGroup | None:
    name = f"hearth-bench-{os.getpid()}"
    for folder, limit, processes in (
        (_MOUNT / "memory" / name, "memory.limit_in_bytes", "cgroup.procs"),
        (_MOUNT / name, "memory.max", "cgroup.procs"),
    ):
        if not folder.parent.is_dir():
            continue
        try:
            folder.mkdir(exist_ok=True)
            (folder / limit).write_text(str(limit_bytes))
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            continue
        with suppress(OSError):
            (folder / "memory.swap.max").write_text("0")
        with suppress(OSError):
            (folder / "memory.swappiness").write_text("0")
        return MemoryGroup(folder, folder / processes)
    return None
