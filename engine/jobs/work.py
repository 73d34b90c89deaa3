"""Work: what a kind of job does, and what it hears and says while it runs."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from engine.background import JobUnit

Spec = Mapping[str, Any]
"""What a job needs to know to run again after a restart: JSON only."""

LOOK_S: Final = 0.25


class JobStopped(Exception):  # noqa: N818 - no error: somebody paused or cancelled it
    """A job ends because it was paused, cancelled, or the engine closes."""


class JobControl:
    """What a running job hears and says.

    Thread: the job's, but for `stop`.
    """

    def __init__(self, tell: Callable[[int, int, JobUnit, str], None], save: Callable[[Spec], None]) -> None:
        """Make one for a run.

        Args:
            tell: takes done, total, unit and detail.
            save: keeps another spec for the next run.
        """
        self._tell, self._save = tell, save
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._cuts: list[Callable[[], None]] = []  # guarded by _lock

    @property
    def is_stopping(self) -> bool:
        """Whether the job has to end soon, keeping what it did."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ask it to end."""
        with self._lock:
            self._stopping.set()
            cuts = list(self._cuts)
        for cut in cuts:
            cut()

    def check(self) -> None:
        """Raise `JobStopped` if the job has to end."""
        if self.is_stopping:
            raise JobStopped

    def sleep(self, seconds: float) -> None:
        """Wait, or raise `JobStopped` as soon as the job has to end."""
        if self._stopping.wait(seconds):
            raise JobStopped

    @contextmanager
    def when_stopped(self, cut: Callable[[], None]) -> Iterator[None]:
        """Have something called, on the thread of whoever stops the job, so that it ends a wait that cannot look.

        Args:
            cut: quick, and must not raise; such as what shuts a connection.

        Raises:
            JobStopped: the job has to end already.
        """
        with self._lock:
            self.check()
            self._cuts.append(cut)
        try:
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)

    def tell(self, done: int, total: int = 0, detail: str = "", unit: JobUnit = JobUnit.BYTES) -> None:
        """Say how far it is; cheap enough to be called for every block."""
        self._tell(done, total, unit, detail)

    def save(self, spec: Spec) -> None:
        """Keep another spec for the next run, such as one that says what has been done."""
        self._save(spec)


class Work(Protocol):
    """A kind of job.

    Attributes:
        can_pause: whether a stopped job goes on where it was.
        at_once: most jobs of this kind that run together.
    """

    can_pause: bool
    at_once: int

    def run(self, spec: Spec, control: JobControl) -> str:
        """Do it; called again with the same spec after a pause or a restart.

        Returns:
            Path of the model that came of it, or an empty text.

        Raises:
            JobStopped: it was asked to end; what was done is kept where `can_pause`.
            EngineError: it failed; says why and what to do.
        """

    def discard(self, spec: Spec) -> None:
        """Remove what a cancelled job has left; must not fail if there is nothing."""
