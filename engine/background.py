"""Frozen values about work in the background: downloads, imports, quantizing, checks."""

from dataclasses import dataclass
from enum import StrEnum


class JobKind(StrEnum):
    """What a job does."""

    DOWNLOAD = "download"
    IMPORT = "import"
    QUANTIZE = "quantize"
    VERIFY = "verify"


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"  # for others of its kind
    RUNNING = "running"
    PAUSED = "paused"  # goes on when it is told to, also after a restart
    DONE = "done"
    FAILED = "failed"  # can be tried again


class JobUnit(StrEnum):
    """What a job's progress counts."""

    BYTES = "bytes"
    STEPS = "steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundJob:
    """Something that goes on in the background, as it was a moment ago.

    Attributes:
        id: names it, also after a restart.
        kind: what it does.
        title: what it is about, such as the name of a model.
        subject: what it works on: `owner/name/file` of a hub, the id of a model, or a path; empty if it does not say.
        detail: what it does right now, in a few words; empty if there is nothing to say.
        state: how far it is.
        unit: what `done` and `total` count.
        done: so far.
        total: in the end; 0 if that is unknown.
        rate_per_s: of `unit`, lately; 0 if it does not run.
        left_s: seconds that are left, as predicted; None if that is unknown.
        error: why it failed, in one sentence; empty if it did not.
        remedy: what to do about that.
        result: path of the model that came of it; empty before it is done.
        can_pause: whether it can be paused without losing what it did.
    """

    id: int
    kind: JobKind
    title: str
    subject: str = ""
    detail: str = ""
    state: JobState = JobState.WAITING
    unit: JobUnit = JobUnit.BYTES
    done: int = 0
    total: int = 0
    rate_per_s: float = 0.0
    left_s: float | None = None
    error: str = ""
    remedy: str = ""
    result: str = ""
    can_pause: bool = False

    @property
    def share(self) -> float:
        """Done, in [0, 1]; 0 if the total is unknown."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.state in {JobState.DONE, JobState.FAILED}
