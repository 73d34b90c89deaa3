"""JobFile: jobs on disk."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from engine.background import BackgroundJob, JobKind, JobState, JobUnit
from engine.plugins.atomic_file import replace_file

log = logging.getLogger(__name__)

_LARGEST_BYTES: Final = 16 << 20


class KeptJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is kept."""

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

    @classmethod
    def of(cls, job: BackgroundJob, spec: Any) -> Self:
        """What is kept of a job."""
        return cls(
            id=job.id,
            kind=job.kind,
            title=job.title,
            state=JobState.WAITING if job.state is JobState.RUNNING else job.state,
            unit=job.unit,
            done=job.done,
            total=job.total,
            error=job.error,
            remedy=job.remedy,
            result=job.result,
            spec=dict(spec),
        )

    def shown(self, *, can_pause: bool) -> BackgroundJob:
        """The job as it is shown."""
        return BackgroundJob(
            id=self.id,
            kind=self.kind,
            title=self.title,
            state=self.state,
            unit=self.unit,
            done=self.done,
            total=self.total,
            error=self.error,
            remedy=self.remedy,
            result=self.result,
            can_pause=can_pause,
        )


class JobFile:
    """Keeps jobs; a broken file is set aside, and a full disk costs only the memory of them.

    Thread: one at a time.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[KeptJob]:
        """All jobs of the last time."""
        try:
            with self.path.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST_BYTES), type=list[KeptJob])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError):
            log.exception("%s cannot be read; it is set aside", self.path)
            self._set_aside()
            return []

    def write(self, jobs: Sequence[KeptJob]) -> None:
        """Replace the file."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, msgspec.json.format(msgspec.json.encode(jobs)))
        except OSError:
            log.warning("%s cannot be written", self.path, exc_info=True)

    def _set_aside(self) -> None:
        try:
            os.replace(self.path, self.path.with_suffix(f".corrupt-{int(time.time())}"))
        except OSError:
            log.warning("%s cannot be set aside", self.path, exc_info=True)
