"""JobBoard: all jobs in the background, kept in one file, so that they survive a restart."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import filelock
import msgspec

from engine.background import BackgroundJob, JobKind, JobState
from engine.errors import EngineError, JobError
from engine.jobs.file import JobFile, KeptJob
from engine.jobs.job import Job
from engine.jobs.keeper import Keeper
from engine.jobs.work import JobControl, JobStopped, Spec, Work

log = logging.getLogger(__name__)

MOST_ENDED: Final = 50
"""Jobs that have ended well and are kept for people to see; older ones are forgotten."""
_CLOSE_S: Final = 10.0


class JobBoard:
    """Runs jobs, each on a thread of its own.

    What was running when the program ended waits again at the next start; what was paused stays paused. One program
    at a time looks after the jobs; others can see them.

    Thread: any; jobs run on `hearth-job-NUMBER`. No call waits for a job or, but for `open`, `add` and `close`, for
    the disk.
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
        self._keeper = Keeper(self._write)
        self._only_one = filelock.FileLock(file.with_name(f"{file.name}.lock"), thread_local=False)
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}  # guarded by _lock, as all below; also cancelled ones that are not gone yet
        self._foreign: list[KeptJob] = []  # of kinds that are not known here; they are kept for who knows them
        self._next_id = 1
        self._is_ours = False  # nobody else looks after them
        self._is_open = False  # waiting ones are started
        self._seen: tuple[object, tuple[BackgroundJob, ...]] = (None, ())  # while somebody else does

    def open(self) -> None:
        """Read the jobs of the last time, and go on with those that were not paused; does nothing if it is open.

        Raises:
            JobError: another program of Hearth looks after them.
        """
        with self._lock:
            self._take_over()
            self._is_open = True
            self._start_waiting()

    def close(self) -> None:
        """Let all running jobs end; they go on at the next start. Takes 10 seconds if one does not listen."""
        with self._lock:
            if not self._is_ours:
                return
            self._is_open = False
            jobs = list(self._jobs.values())
        for job in jobs:
            if (control := job.control) is not None:
                control.stop()
        until_s = time.monotonic() + _CLOSE_S
        for job in jobs:
            if (thread := job.thread) not in {None, threading.current_thread()}:
                thread.join(max(0.0, until_s - time.monotonic()))
        self._keeper.soon()
        self._keeper.flush()
        with self._lock:
            self._is_ours = False
            self._only_one.release()

    def add(self, kind: JobKind, title: str, spec: Spec) -> int:
        """Begin a job, or let it wait for others of its kind; returns its id. It is on the disk then.

        Args:
            kind: what it does.
            title: what it is about.
            spec: what it needs to know; its `subject`, if it has one, is shown as what it works on.

        Raises:
            JobError: another program of Hearth looks after the jobs.
        """
        self.open()
        plain = msgspec.json.decode(msgspec.json.encode(spec))
        with self._lock:
            number = self._next_id
            self._next_id += 1
            subject, can_pause = str(plain.get("subject", "")), self._works[kind].can_pause
            state = BackgroundJob(id=number, kind=kind, title=title, subject=subject, can_pause=can_pause)
            self._jobs[number] = Job(state, plain)
            self._start_waiting()
        self._keeper.soon()
        self._keeper.flush()
        return number

    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs, in the order in which they were added; also those that another program looks after."""
        with self._lock:
            if self._is_ours:
                return tuple(job.shown() for job in self._jobs.values() if job.is_wanted)
            return self._look()

    def pause(self, number: int) -> None:
        """Stop a job until it is resumed; one that cannot be paused begins anew then.

        Raises:
            JobError: there is none, or another program of Hearth looks after it.
        """
        with self._lock:
            job = self._job(number)
            if job.state.is_over:
                return
            job.become(JobState.PAUSED)
            control = job.control
        if control is not None:
            control.stop()
        self._keeper.soon()

    def resume(self, number: int) -> None:
        """Go on with a paused job, or try a failed one again.

        Raises:
            JobError: there is none, or another program of Hearth looks after it.
        """
        self.open()
        with self._lock:
            job = self._job(number)
            if job.state.state in {JobState.PAUSED, JobState.FAILED}:
                job.become(JobState.WAITING)
                self._start_waiting()
        self._keeper.soon()

    def cancel(self, number: int) -> None:
        """End a job and remove what it has left; of one that has ended well, forget it.

        Raises:
            JobError: there is none, or another program of Hearth looks after it.
        """
        with self._lock:
            job = self._job(number)
            job.is_wanted = False
            control = job.control
            if control is None and job.state.state is JobState.DONE:
                del self._jobs[number]
            elif control is None:  # one that runs removes it itself, once it has ended
                self._start(job, self._leave)
        if control is not None:
            control.stop()
        self._keeper.soon()

    def _take_over(self) -> None:
        """Keep others out, and read what there is, if that was not done. Hold the lock.

        Raises:
            JobError: another program was first.
        """
        if self._is_ours:
            return
        self._lock_out_others()
        self._is_ours = True
        kept = self._file.read(is_mine=True)
        self._next_id = max(self._next_id, kept.next_id)
        # What did not end in time when this board was closed still runs, and is not begun a second time.
        self._jobs = {number: job for number, job in self._jobs.items() if job.control is not None}
        self._foreign = [job for job in kept.jobs if job.kind not in self._works]
        for job in kept.jobs:
            if job.kind in self._works and job.id not in self._jobs:
                state = job.shown(can_pause=self._works[job.kind].can_pause, is_alive=False)
                self._jobs[job.id] = Job(state, job.spec, is_wanted=job.is_wanted)
                if not job.is_wanted:
                    self._start(self._jobs[job.id], self._leave)

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

    def _look(self) -> tuple[BackgroundJob, ...]:
        """What another program keeps, or the last run has left. Hold the lock."""
        stamp = self._file.stamp()
        if stamp is None or stamp != self._seen[0]:
            kept = self._file.read(is_mine=False)
            shown = (
                job.shown(can_pause=self._works[job.kind].can_pause, is_alive=kept.is_alive)
                for job in kept.jobs
                if job.is_wanted and job.kind in self._works
            )
            self._seen = stamp, tuple(shown)
        return self._seen[1]

    def _job(self, number: int) -> Job:
        """A job that can be changed. Hold the lock."""
        self._take_over()
        job = self._jobs.get(number)
        if job is None or not job.is_wanted:
            raise JobError(f"There is no job {number}.", "It may have been removed meanwhile.")
        return job

    def _start_waiting(self) -> None:
        """Start what may run. Hold the lock."""
        if not self._is_open:
            return
        running = [job.state.kind for job in self._jobs.values() if job.control is not None]
        for job in self._jobs.values():
            kind = job.state.kind
            is_free = running.count(kind) < self._works[kind].at_once
            if job.state.state is JobState.WAITING and job.control is None and job.is_wanted and is_free:
                control = job.begin(lambda spec, job=job: self._save(job, spec), self._keeper.soon)  # type: ignore[misc]
                running.append(kind)
                self._start(job, self._run, control)

    def _start(self, job: Job, run: Callable[..., None], *more: object) -> None:
        """Let a job's thread run. Hold the lock."""
        name = f"hearth-job-{job.state.id}"
        job.thread = threading.Thread(target=run, args=(job, *more), name=name, daemon=True)
        job.thread.start()

    def _save(self, job: Job, spec: Spec) -> None:
        plain = msgspec.json.decode(msgspec.json.encode(spec))
        with self._lock:
            job.spec = plain
        self._keeper.soon()

    def _run(self, job: Job, control: JobControl) -> None:
        work = self._works[job.state.kind]
        state, error, remedy, result = JobState.WAITING, "", "", ""  # it was stopped
        try:
            result = work.run(job.spec, control)
            state = JobState.DONE
        except JobStopped:
            if not control.is_stopping:  # it would be begun again and again
                state, error, remedy = JobState.FAILED, "It ended without being told to.", "Try it again."
        except EngineError as failure:
            state, error, remedy = JobState.FAILED, failure.cause, failure.remedy
        except (Exception, SystemExit) as failure:
            log.exception("a job failed inside")
            state, error, remedy = JobState.FAILED, f"It failed: {failure}.", "The log says more."
        with self._lock:
            # Paused or resumed meanwhile, it is what it was made then; but what has ended has ended.
            if state is not JobState.WAITING or job.state.state is JobState.RUNNING:
                job.become(state, error, remedy, result)
            done = job.shown() if state is JobState.DONE else None
        self._tell(done)
        self._leave(job)

    def _tell(self, done: BackgroundJob | None) -> None:
        try:
            if done is not None:
                self._on_done(done)
        except Exception:
            log.exception("who was told of a job's end has failed")

    def _leave(self, job: Job) -> None:
        """End a job's thread, and remove what is left of a job that was cancelled."""
        if not job.is_wanted and job.state.state is not JobState.DONE:
            try:
                self._works[job.state.kind].discard(job.spec)
            except Exception:
                log.exception("what is left of a job could not be removed")
        with self._lock:
            job.control = job.thread = None
            if not job.is_wanted and self._jobs.get(job.state.id) is job:
                del self._jobs[job.state.id]
            self._forget_old()
            self._start_waiting()
        self._keeper.soon()

    def _forget_old(self) -> None:
        ended = [number for number, job in self._jobs.items() if job.state.state is JobState.DONE and not job.control]
        for number in ended[:-MOST_ENDED]:
            del self._jobs[number]

    def _write(self) -> None:
        with self._lock:
            if not self._is_ours:
                return
            jobs = [KeptJob.of(job.shown(), job.spec, is_wanted=job.is_wanted) for job in self._jobs.values()]
            jobs += self._foreign
            next_id = self._next_id
        self._file.write(jobs, next_id)
