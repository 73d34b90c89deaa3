"""JobFile: jobs on disk."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import psutil

from engine.background import BackgroundJob, JobKind, JobState, JobUnit
from engine.plugins.atomic_file import replace_file

log = logging.getLogger(__name__)

_LARGEST_BYTES: Final = 16 << 20
_CLOCK_S: Final = 1.0  # to which a process's start is known


class KeptJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is kept.

    Attributes:
        is_wanted: False once it was cancelled, until what it has left is removed.
    """

    id: int
    kind: JobKind
    title: str
    state: JobState
    unit: JobUnit
    done: int
    total: int
    error: str
    remedy: str
    result: str
    spec: dict[str, Any]
    subject: str = ""
    is_wanted: bool = True

    @classmethod
    def of(cls, job: BackgroundJob, spec: Any, *, is_wanted: bool) -> Self:
        """What is kept of a job."""
        return cls(
            id=job.id,
            kind=job.kind,
            title=job.title,
            subject=job.subject,
            state=job.state,
            unit=job.unit,
            done=job.done,
            total=job.total,
            error=job.error,
            remedy=job.remedy,
            result=job.result,
            spec=dict(spec),
            is_wanted=is_wanted,
        )

    def shown(self, *, can_pause: bool, is_alive: bool) -> BackgroundJob:
        """The job as it is shown.

        Args:
            can_pause: whether it can be paused.
            is_alive: whether the program that wrote it down still runs it.
        """
        is_left = self.state is JobState.RUNNING and not is_alive
        return BackgroundJob(
            id=self.id,
            kind=self.kind,
            title=self.title,
            subject=self.subject,
            state=JobState.WAITING if is_left else self.state,
            unit=self.unit,
            done=self.done,
            total=self.total,
            error=self.error,
            remedy=self.remedy,
            result=self.result,
            can_pause=can_pause,
        )


class _Document(msgspec.Struct, kw_only=True):
    next_id: int = 1
    pid: int = 0
    started_s: float = 0.0
    jobs: list[msgspec.Raw] = []


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """All that the file says.

    Attributes:
        jobs: in their order.
        next_id: of the next one.
        is_alive: whether the program that wrote it still runs.
    """

    jobs: tuple[KeptJob, ...] = ()
    next_id: int = 1
    is_alive: bool = False


class JobFile:
    """Keeps jobs; a broken file is set aside, and a full disk costs only the memory of them.

    Thread: one at a time.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pid, self._started_s = os.getpid(), psutil.Process().create_time()

    def stamp(self) -> tuple[int, int, int] | None:
        """Changes when the file does; None if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self, *, is_mine: bool) -> Kept:
        """What was kept the last time.

        Args:
            is_mine: whether nobody else looks after it, so that a broken file can be set aside.
        """
        try:
            with self.path.open("rb") as file:
                document = msgspec.json.decode(file.read(_LARGEST_BYTES), type=_Document)
        except FileNotFoundError:
            return Kept()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            if is_mine:
                log.exception("%s cannot be read; it is set aside", self.path)
                self._set_aside()
            return Kept()
        jobs = [job for raw in document.jobs if (job := _decoded(raw)) is not None]
        next_id = max([document.next_id, *(job.id + 1 for job in jobs)])
        is_alive = _is_alive(document.pid, document.started_s)
        return Kept(jobs=tuple({job.id: job for job in jobs}.values()), next_id=next_id, is_alive=is_alive)

    def write(self, jobs: Sequence[KeptJob], next_id: int) -> None:
        """Replace the file."""
        raw = [msgspec.Raw(msgspec.json.encode(job)) for job in jobs]
        document = _Document(next_id=next_id, pid=self._pid, started_s=self._started_s, jobs=raw)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, msgspec.json.format(msgspec.json.encode(document)))
        except OSError:
            log.warning("%s cannot be written", self.path, exc_info=True)

    def _set_aside(self) -> None:
        try:
            os.replace(self.path, self.path.with_suffix(f".corrupt-{int(time.time())}"))
        except OSError:
            log.warning("%s cannot be set aside", self.path, exc_info=True)


def _decoded(raw: msgspec.Raw) -> KeptJob | None:
    """A job; None if it is broken, or of a newer Hearth: that costs nothing but itself."""
    try:
        job = msgspec.json.decode(raw, type=KeptJob)
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.warning("a job that was kept cannot be read", exc_info=True)
        return None
    return job if job.id > 0 else None


def _is_alive(pid: int, started_s: float) -> bool:
    try:
        return pid > 0 and abs(psutil.Process(pid).create_time() - started_s) < _CLOCK_S
    except (psutil.Error, OverflowError):
        return False
