"""Job: a job with what only the board needs."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from engine.background import BackgroundJob, JobState, JobUnit
from engine.jobs.pace import Pace
from engine.jobs.work import JobControl, Spec

_PACE_S: Final = 0.1
_KEEP_S: Final = 5.0  # how old the progress may be that is kept


class Job:
    """A job.

    Attributes:
        spec: what it has to do.
        state: everything about it but how far it is.
        control: of its run; None while it does not run.
        thread: of its run, or of what removes what it has left.
        is_wanted: False once it was cancelled.
    """

    def __init__(self, state: BackgroundJob, spec: Spec, *, is_wanted: bool = True) -> None:
        self.state = state
        self.spec = spec
        self.control: JobControl | None = None
        self.thread: threading.Thread | None = None
        self.is_wanted = is_wanted
        self._told: tuple[int, int, JobUnit, str] | None = None  # replaced as one
        self._pace = Pace()

    def begin(self, save: Callable[[Spec], None], keep: Callable[[], None]) -> JobControl:
        """Get ready for a run.

        Args:
            save: keeps another spec.
            keep: called every few seconds while it runs, so that how far it is gets kept.
        """
        self._told = None
        self._pace = pace = Pace()
        pace_s = 0.0
        keep_s = time.monotonic() + _KEEP_S

        def tell(done: int, total: int, unit: JobUnit, detail: str) -> None:
            nonlocal pace_s, keep_s
            self._told = done, total, unit, detail
            now_s = time.monotonic()
            if now_s >= pace_s:
                pace_s = now_s + _PACE_S
                pace.note(now_s, done)
                if now_s >= keep_s:
                    keep_s = now_s + _KEEP_S
                    keep()

        self.control = JobControl(tell, save)
        self.state = replace(self.state, state=JobState.RUNNING)
        return self.control

    def shown(self) -> BackgroundJob:
        """As it is now."""
        told = self._told
        if told is None:
            return self.state
        done, total, unit, detail = told
        if self.state.state is not JobState.RUNNING:
            return replace(self.state, done=done, total=total, unit=unit)
        rate = self._pace.rate(time.monotonic())
        left_s = max(0, total - done) / rate if rate and total else None
        return replace(self.state, done=done, total=total, unit=unit, detail=detail, rate_per_s=rate, left_s=left_s)

    def become(self, state: JobState, error: str = "", remedy: str = "", result: str = "") -> None:
        """Take another state; how far it is stays."""
        shown = replace(self.shown(), detail="", rate_per_s=0.0, left_s=None)
        if state is JobState.DONE:
            shown = replace(shown, done=shown.total or shown.done)
        self.state = replace(shown, state=state, error=error, remedy=remedy, result=result)
        if state is not JobState.RUNNING:
            self._told = None
