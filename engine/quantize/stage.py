"""StageControl: what a stage of a job hears and says, as a share of the whole job's progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from engine.background import JobUnit
from engine.jobs import JobControl, Spec

TOTAL: Final = 1000
"""Steps of a whole job."""


class StageControl(JobControl):
    """The control of a job, for one of its stages: that goes from 0 to its end, the job from one share to another.

    Thread: the job's.
    """

    def __init__(self, job: JobControl, begin: float, end: float, detail: str = "") -> None:
        """Make one.

        Args:
            job: the whole job's.
            begin: how much of the job is done before the stage, in [0, 1].
            end: how much is done after it, in [0, 1].
            detail: what the stage does, in a few words; used where it says nothing else.
        """
        super().__init__(self._told, job.save)
        self._job, self._begin, self._end, self._detail = job, begin, end, detail
        job.tell(round(begin * TOTAL), TOTAL, detail, JobUnit.STEPS)

    @property
    def is_stopping(self) -> bool:
        """Whether the job has to end soon."""
        return self._job.is_stopping

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `JobStopped` as soon as the job has to end."""
        self._job.sleep(seconds)

    @contextmanager
    def when_stopped(self, cut: Callable[[], None]) -> Iterator[None]:
        """Have something called as soon as the job is stopped."""
        with self._job.when_stopped(cut):
            yield

    def save(self, spec: Spec) -> None:
        """Keep another spec for the next run of the job."""
        self._job.save(spec)

    def _told(self, done: int, total: int, _unit: JobUnit, detail: str) -> None:
        share = min(1.0, done / total) if total else 0.0
        steps = round((self._begin + (self._end - self._begin) * share) * TOTAL)
        self._job.tell(steps, TOTAL, detail or self._detail, JobUnit.STEPS)
