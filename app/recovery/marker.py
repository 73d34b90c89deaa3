"""RunMarker: a file that is there while the window is open; one that was left behind tells of a crash.

Whether its process still lives is told by a lock, which the system gives back however a process ends: numbers of
processes are given out again, and clocks are set. A second window never takes the first one's marker for a crash.
"""

import json
import logging
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import filelock
import psutil

from app.recovery.ending import Ending, EndKind
from app.whole_file import write_whole
from engine import EngineError

log = logging.getLogger(__name__)

SUFFIX: Final = ".open"
_LOCK: Final = ".lock"
_LARGEST_BYTES: Final = 4096
_LARGEST_CRASH_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 4096
_FATAL: Final = re.compile(r"^(?:Fatal Python error|Windows fatal exception): ([\w -]{1,60})", re.MULTILINE)
_NO_DISPLAY: Final = re.compile(rb"The (?:X11|Wayland) connection (?:broke|experienced a fatal error)")
_CLOCK_S: Final = 120.0
"""Where the system only says when it began, that moves by so much when its clock is set right."""
_TOLD_CALMLY: Final = (OSError, EngineError)
"""Errors with which a start ends in one sentence, such as a data folder that cannot be written."""


class RunMarker:
    """Context manager around the life of a window.

    Nothing here ever stops a start: without a marker a crash is just not noticed.

    Attributes:
        ending: how the window ended the last time, if nobody had asked for that; None while not entered.
    """

    def __init__(self, home: Path, version: str) -> None:
        """Make one.

        Args:
            home: the data folder, with the logs of the last time.
            version: of this Hearth.
        """
        self.ending: Ending | None = None
        self._home = home
        self._folder = home / "run"
        self._path = self._folder / f"window-{os.getpid()}{SUFFIX}"
        self._lock = filelock.FileLock(self._path.with_suffix(SUFFIX + _LOCK), thread_local=False)
        self._said: dict[str, Any] = {"version": version, "started_at": time.time(), "ended": ""}

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.ending = collect(self._home)
            self._lock.acquire(blocking=False)
            self._said |= _surroundings(self._home)
            self._write()
        except (OSError, filelock.Timeout) as error:
            log.warning("A crash of this window will not be noticed: %s", error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, Exception) and not isinstance(error, _TOLD_CALMLY):
                log.critical("The window ended with an error", exc_info=error)
                self._end(type(error).__name__)
                self._lock.release()
            else:
                _remove(self._path, self._lock)
        except OSError as error_of_disk:
            log.warning("%s cannot be changed: %s", self._path, error_of_disk)

    def leave(self) -> None:
        """Note that the end was asked for, by the person or by the system: what comes now is no crash."""
        try:
            self._end("asked")
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)

    def _end(self, how: str) -> None:
        if not self._said["ended"] and self._lock.is_locked:
            self._said["ended"] = how
            self._write()

    def _write(self) -> None:
        write_whole(self._path, json.dumps(self._said).encode())


def collect(home: Path) -> Ending | None:
    """How windows of this data folder ended that left their marker; the markers are removed.

    Returns:
        The newest end that nobody asked for; None if there is none.
    """
    found = []
    for path in (home / "run").glob(f"window-*{SUFFIX}"):
        lock = filelock.FileLock(path.with_suffix(SUFFIX + _LOCK), thread_local=False)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            continue  # that window is open
        try:
            ending = _ending_of(_said_in(path), home)
        finally:
            _remove(path, lock)
        if ending is not None:
            found.append(ending)
    return max(found, key=lambda ending: ending.started_at, default=None)


def _ending_of(said: dict[str, Any], home: Path) -> Ending | None:
    """What a marker that was left behind means."""

    def ending(kind: EndKind, detail: str = "") -> Ending:
        version = str(said.get("version", ""))[:80]
        return Ending(kind=kind, detail=detail, version=version, started_at=_number(said.get("started_at")))

    fatal = _fatal_error(home / "logs" / "crash.log", int(_number(said.get("crash_bytes"))))
    ended = said.get("ended", "")
    now = _surroundings(home)
    if fatal:
        return ending(EndKind.NATIVE, fatal)
    if ended == "asked" or ("boot" in said and not _is_same_boot(said["boot"], now["boot"])) or _lost_its_display(home):
        log.info("The last window ended with its session or with the system")
        return None
    if ended and isinstance(ended, str):
        return ending(EndKind.ERROR, ended[:80])
    if now["oom_kills"] > _number(said.get("oom_kills"), now["oom_kills"]):
        return ending(EndKind.MEMORY)
    return ending(EndKind.UNKNOWN)


def _said_in(path: Path) -> dict[str, Any]:
    """What a marker says; nothing where it is empty or damaged, as after a full disk."""
    try:
        said = json.loads(path.read_bytes()[:_LARGEST_BYTES])
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _surroundings(home: Path) -> dict[str, Any]:
    """What tells an end for want of memory, by a crash or by the system from others."""
    crash = home / "logs" / "crash.log"
    return {"boot": _boot(), "oom_kills": _oom_kills(), "crash_bytes": crash.stat().st_size if crash.exists() else 0}


def _boot() -> str | float:
    """Names this run of the system, or says when it began."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return psutil.boot_time()


def _is_same_boot(one: object, other: object) -> bool:
    """Whether the system was neither restarted nor without power in between."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) < _CLOCK_S
    return one == other


def _oom_kills() -> int:
    """How many processes Linux has ended for want of memory since it was started; 0 on other systems."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _fatal_error(crash_log: Path, offset: int) -> str:
    """The fault that Python noted in `crash.log` behind an offset; empty for none."""
    try:
        with crash_log.open("rb") as file:
            file.seek(max(0, offset))
            text = file.read(_LARGEST_CRASH_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    match = _FATAL.search(text)
    return match[1].strip() if match else ""


def _lost_its_display(home: Path) -> bool:
    """Whether the last that was logged is that the desktop was gone, with which Qt ends a program."""
    try:
        with (home / "logs" / "hearth.log").open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            last = file.read().rstrip().rpartition(b"\n")[2]
    except OSError:
        return False
    return bool(_NO_DISPLAY.search(last))


def _number(value: object, default: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 1 << 53 else default


def _remove(path: Path, lock: filelock.BaseFileLock) -> None:
    """Remove a marker with its lock, which has to be held; in this order, so that nobody sees a marker without."""
    path.unlink(missing_ok=True)
    if os.name != "nt":  # there, a file that is open cannot be removed
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
