"""JobBoard: all jobs in the background, kept in one file, so that they survive a restart."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import filelock

from engine.background import BackgroundJob, JobKind, JobState, JobUnit
from engine.errors import EngineError, JobError
from engine.jobs.file import JobFile, KeptJob
from engine.jobs.pace import Pace
from engine.jobs.work import JobControl, JobStopped, Spec, Work

log = logging.getLogger(__name__)

MOST_ENDED: Final = 50
"""Ended jobs that are kept for people to see; older ones are forgotten."""
_CLOSE_S: Final = 10.0


class _Job:
    """A job with what only the board needs."""

    def __init__(self, shown: BackgroundJob, spec: Spec) -> None:
        self.shown = shown
        self.spec = spec
        self.control: JobControl | None = None  # while it runs
        self.pace = Pace()
        self.is_wanted = True  # False once it was cancelled


class JobBoard:
    """Runs jobs, each on a thread of its own.

    What was running when the program ended waits again at the next start; what was paused stays paused.

    Thread: any; jobs run on `hearth-job-NUMBER`.
    """

    def __init__(
        self,
        file: Path,
        works: Mapping[JobKind, Work],
        on_done: Callable[[BackgroundJob], None] = lambda _job: None,
    ) -> None:
        """Make a board that does nothing yet.

        Args:
            file: keeps the jobs.
            works: what each kind of job does.
            on_done: told of each job that has ended well, on its thread.
        """
        self._works = works
        self._on_done = on_done
        self._file = JobFile(file)
        self._only_one = filelock.FileLock(file.with_name(f"{file.name}.lock"), thread_local=False)
        self._lock = threading.Lock()
        self._jobs: dict[int, _Job] = {}  # guarded by _lock
        self._threads: dict[int, threading.Thread] = {}  # guarded by _lock
        self._is_open = False

    def open(self) -> None:
        """Read the jobs of the last time, and go on with those that were not paused; does nothing if it is open.

        Raises:
            JobError: another program of Hearth looks after them.
        """
        with self._lock:
            if self._is_open:
                return
            self._lock_out_others()
            self._is_open = True
            for kept in self._file.read():
                if kept.kind in self._works:
                    self._jobs[kept.id] = _Job(kept.shown(can_pause=self._works[kept.kind].can_pause), kept.spec)
            self._start_waiting()

    def close(self) -> None:
        """Let all running jobs end; they go on at the next start."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            threads = list(self._threads.values())
            for job in self._jobs.values():
                if job.control is not None:
                    job.control.stop()
        for thread in threads:
            thread.join(_CLOSE_S)
        with self._lock:
            self._keep()
            self._only_one.release()

    def add(self, kind: JobKind, title: str, spec: Spec) -> int:
        """Begin a job, or let it wait for others of its kind; returns its id.

        Raises:
            JobError: another program of Hearth looks after the jobs.
        """
        self.open()
        with self._lock:
            number = max(self._jobs, default=0) + 1
            shown = BackgroundJob(id=number, kind=kind, title=title, can_pause=self._works[kind].can_pause)
            self._jobs[number] = _Job(shown, dict(spec))
            self._keep()
            self._start_waiting()
            return number

    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs, in the order in which they were added."""
        with self._lock:
            return tuple(job.shown for job in self._jobs.values())

    def pause(self, number: int) -> None:
        """Stop a job until it is resumed; one that cannot be paused begins anew then.

        Raises:
            JobError: there is none.
        """
        with self._lock:
            job = self._job(number)
            if job.shown.is_over:
                return
            job.shown = replace(job.shown, state=JobState.PAUSED, rate_per_s=0.0, left_s=None)
            if job.control is not None:
                job.control.stop()
            self._keep()

    def resume(self, number: int) -> None:
        """Go on with a paused job, or try a failed one again.

        Raises:
            JobError: there is none.
        """
        with self._lock:
            job = self._job(number)
            if job.shown.state in {JobState.PAUSED, JobState.FAILED}:
                job.shown = replace(job.shown, state=JobState.WAITING, error="", remedy="")
                self._keep()
                self._start_waiting()

    def cancel(self, number: int) -> None:
        """End a job and remove what it has left; of one that has ended, forget it.

        Raises:
            JobError: there is none.
        """
        with self._lock:
            job = self._job(number)
            job.is_wanted = False
            del self._jobs[number]
            is_running = job.control is not None
            if job.control is not None:
                job.control.stop()
            self._keep()
        if not is_running and job.shown.state is not JobState.DONE:
            self._discard(job)  # one that runs is discarded by its thread, once it has ended

    def _lock_out_others(self) -> None:
        try:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            self._only_one.acquire(blocking=False)
        except filelock.Timeout as error:
            cause = "Another window of Hearth looks after downloads and other work in the background."
            raise JobError(cause, "Use that one, or close it.") from error
        except OSError as error:
            cause = f"Work in the background cannot be kept in {self._file.path.parent}: {error.strerror}."
            raise JobError(cause, "Check its permissions, or free space.") from error

    def _job(self, number: int) -> _Job:
        if (job := self._jobs.get(number)) is None:
            raise JobError(f"There is no job {number}.", "It may have been removed meanwhile.")
        return job

    def _start_waiting(self) -> None:
        """Start what may run. Hold the lock."""
        if not self._is_open:
            return
        for number, job in self._jobs.items():
            kind = job.shown.kind
            running = sum(it.control is not None for it in self._jobs.values() if it.shown.kind is kind)
            free = running < self._works[kind].at_once
            if job.shown.state is JobState.WAITING and job.control is None and free:
                job.control = self._control(job)
                job.pace = Pace()
                job.shown = replace(job.shown, state=JobState.RUNNING)
                name = f"hearth-job-{number}"
                thread = threading.Thread(target=self._run, args=(job, job.control), name=name, daemon=True)
                self._threads[number] = thread
                thread.start()

    def _control(self, job: _Job) -> JobControl:
        def tell(done: int, total: int, unit: JobUnit, detail: str) -> None:
            with self._lock:
                if job.shown.state is JobState.RUNNING:
                    rate = job.pace.note(time.monotonic(), done)
                    left = (total - done) / rate if rate and total else None
                    job.shown = replace(
                        job.shown, done=done, total=total, unit=unit, detail=detail, rate_per_s=rate, left_s=left
                    )

        def save(spec: Spec) -> None:
            with self._lock:
                job.spec = dict(spec)
                self._keep()

        return JobControl(tell, save)

    def _run(self, job: _Job, control: JobControl) -> None:
        work = self._works[job.shown.kind]
        change: dict[str, object] = {}
        try:
            result = work.run(job.spec, control)
            change = {"state": JobState.DONE, "result": result, "done": job.shown.total, "detail": ""}
        except JobStopped:
            change = {}
        except EngineError as error:
            change = {"state": JobState.FAILED, "error": error.cause, "remedy": error.remedy}
        except Exception as error:
            log.exception("a job failed inside")
            change = {"state": JobState.FAILED, "error": f"It failed: {error}.", "remedy": "The log says more."}
        self._ended(job, change)

    def _ended(self, job: _Job, change: dict[str, object]) -> None:
        with self._lock:
            job.control = None
            self._threads.pop(job.shown.id, None)
            if job.is_wanted:
                if change:
                    job.shown = replace(job.shown, rate_per_s=0.0, left_s=None, **change)  # type: ignore[arg-type]
                elif job.shown.state is JobState.RUNNING:  # the engine closes
                    job.shown = replace(job.shown, state=JobState.WAITING, rate_per_s=0.0, left_s=None)
                self._forget_old()
                self._keep()
            self._start_waiting()
        if not job.is_wanted and change.get("state") is not JobState.DONE:
            self._discard(job)
        elif job.shown.state is JobState.DONE:
            self._on_done(job.shown)

    def _discard(self, job: _Job) -> None:
        try:
            self._works[job.shown.kind].discard(job.spec)
        except (OSError, EngineError):
            log.exception("what is left of a job could not be removed")

    def _forget_old(self) -> None:
        ended = [number for number, job in self._jobs.items() if job.shown.state is JobState.DONE]
        for number in ended[:-MOST_ENDED]:
            del self._jobs[number]

    def _keep(self) -> None:
        """Write all jobs down. Hold the lock."""
        self._file.write([KeptJob.of(job.shown, job.spec) for job in self._jobs.values()])
