"""JobDoor: the part of the engine's door that looks after work in the background."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from engine.background import BackgroundJob

if TYPE_CHECKING:
    from engine.jobs import JobBoard


class JobDoor(ABC):
    """What work in the background adds to the door; `Engine` is one."""

    @abstractmethod
    def _job_board(self) -> "JobBoard":
        """Runs it."""

    def resume_jobs(self) -> None:
        """Go on with what the last run left, but for what was paused; a window does this once it stands.

        Raises:
            JobError: another program of Hearth looks after it.
        """
        self._job_board().open()

    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs, in the order in which they were begun; microseconds."""
        return self._job_board().jobs()

    def pause_job(self, job: int) -> None:
        """Stop a job until it is resumed.

        Raises:
            JobError: there is none.
        """
        self._job_board().pause(job)

    def resume_job(self, job: int) -> None:
        """Go on with a paused job, or try a failed one again.

        Raises:
            JobError: there is none.
        """
        self._job_board().resume(job)

    def cancel_job(self, job: int) -> None:
        """End a job and remove what it has left; of one that has ended, forget it.

        Raises:
            JobError: there is none.
        """
        self._job_board().cancel(job)
