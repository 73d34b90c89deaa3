"""CrashMarker: which plugins are at work right now, written where it survives a crash of this process."""

import itertools
import logging
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

log = logging.getLogger(__name__)

SLOTS: Final = 64  # calls at the same time that are noted; more are just not
SLOT_BYTES: Final = 64  # an id has 40 at most
MAGIC: Final = b"hearth-running-1\n"
SUFFIX: Final = ".running"

_HEADER_BYTES: Final = 128
_numbers = itertools.count()  # of the markers of this process


class CrashMarker:
    """A file with a slot for each call in progress.

    The file is mapped: noting a call is a copy of some bytes, and the system keeps them when the process is killed
    (only a loss of power loses them). It is made with the first call and removed by `close`; one whose process is gone
    tells of a crash.

    Thread: any.
    """

    def __init__(self, folder: Path) -> None:
        """Make a marker.

        Args:
            folder: where the markers of all processes lie.
        """
        self._path = folder / f"plugins-{os.getpid()}-{next(_numbers)}{SUFFIX}"
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None  # guarded by _lock
        self._is_closed = False
        self._free = list(range(SLOTS))  # guarded by _lock

    def running(self, plugin: str) -> "RunningNote":
        """Note that a plugin is at work, while the returned context manager is entered."""
        return RunningNote(self, plugin)

    def close(self) -> None:
        """Remove the file; what is still running is not noted any more."""
        with self._lock:
            self._is_closed = True
            opened, self._map = self._map, None
            if opened is not None:
                opened.close()
                with suppress(OSError):
                    self._path.unlink()

    def enter(self, plugin: str) -> int | None:
        """Take a slot for a plugin; None if there is none left."""
        with self._lock:
            if self._map is None and not self._is_closed:
                self._open()
            if self._map is None or not self._free:
                return None
            slot = self._free.pop()
            start = _HEADER_BYTES + slot * SLOT_BYTES
            self._map[start : start + SLOT_BYTES] = plugin.encode()[:SLOT_BYTES].ljust(SLOT_BYTES, b"\0")
            return slot

    def leave(self, slot: int | None) -> None:
        """Give a slot back."""
        if slot is None:
            return
        with self._lock:
            if self._map is not None:
                start = _HEADER_BYTES + slot * SLOT_BYTES
                self._map[start : start + SLOT_BYTES] = bytes(SLOT_BYTES)
                self._free.append(slot)

    def _open(self) -> None:
        header = MAGIC + f"{os.getpid()} {psutil.Process().create_time()!r}\n".encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("w+b") as file:
                file.write(header.ljust(_HEADER_BYTES, b"\0") + bytes(SLOTS * SLOT_BYTES))
                file.flush()
                self._map = mmap.mmap(file.fileno(), 0)
        except OSError as error:
            self._is_closed = True
            log.warning("%s cannot be written (%s); a crash will not be traced to a plugin", self._path, error)


class RunningNote:
    """Context manager: while it is entered, its plugin is noted to be at work."""

    def __init__(self, marker: CrashMarker, plugin: str) -> None:
        self._marker = marker
        self._plugin = plugin
        self._slot: int | None = None

    def __enter__(self) -> None:
        self._slot = self._marker.enter(self._plugin)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._marker.leave(self._slot)


def collect_crashes(folder: Path) -> tuple[str, ...]:
    """Plugins that were at work in processes of Hearth that ended without saying so; their markers are removed."""
    found: dict[str, None] = {}
    for path in sorted(folder.glob(f"plugins-*{SUFFIX}")):
        try:
            data = path.read_bytes()[: _HEADER_BYTES + SLOTS * SLOT_BYTES]
            if not data or _is_alive(data[:_HEADER_BYTES]):  # without data, another process is making it
                continue
            found |= dict.fromkeys(_names(data[_HEADER_BYTES:]))
            path.unlink()
        except OSError as error:
            log.warning("%s cannot be read or removed (%s)", path, error)
    return tuple(found)


def _names(slots: bytes) -> Iterator[str]:
    for start in range(0, len(slots), SLOT_BYTES):
        name = slots[start : start + SLOT_BYTES].rstrip(b"\0")
        if name:
            yield name.decode("ascii", "replace")


def _is_alive(header: bytes) -> bool:
    try:
        pid, began = header.removeprefix(MAGIC).split(b"\n")[0].split()
        # Numbers of processes are given out again; a beginning is not.
        return abs(psutil.Process(int(pid)).create_time() - float(began)) < 0.01
    except psutil.AccessDenied:
        return True
    except (psutil.Error, ValueError, OverflowError):
        return False
