"""JobsController: the work in the background as it is now, and what the person does with it."""

import asyncio
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.models.hub_settings import HubSettings, reason_of
from app.models.hub_source import JobSource
from app.tasks import Tasks
from engine import BackgroundJob, EngineError, HubState, JobKind, JobState

SEEN_MS = 500
"""How often jobs are looked at while somebody sees them and one is not over."""
UNSEEN_MS = 2_000
"""How often while nobody sees them."""
_ACTIVE = {JobState.WAITING, JobState.RUNNING}


class JobsController(QObject):
    """Looks at the jobs while one of them runs, or while somebody may begin one.

    Attributes:
        note: why work in the background cannot be done here, in words; empty if it can.
        settings: what holds for all downloads.

    Signals:
        changed: `jobs` or `state` are others.
        ended: a job that ran at the last look is over.
        failed: something did not work: cause, remedy.

    Thread: UI only.
    """

    changed = Signal()
    ended = Signal(object)
    failed = Signal(str, str)

    def __init__(self, engine: JobSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.note = ""
        self._engine = engine
        self._tasks = tasks
        self._jobs: tuple[BackgroundJob, ...] = ()
        self._state: HubState | None = None
        self._is_seen = False
        self._is_open = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self.settings = HubSettings(engine, tasks, self)
        self.settings.changed.connect(self.look)
        self.settings.failed.connect(self.failed)

    @property
    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs, as they were at the last look, in the order in which they were begun."""
        return self._jobs

    @property
    def state(self) -> HubState | None:
        """What holds for downloads; None before the first look."""
        return self._state

    def job(self, number: int) -> BackgroundJob | None:
        """A job by its number; None if there is none (any more)."""
        return next((job for job in self._jobs if job.id == number), None)

    def open(self) -> None:
        """Go on with what the last run left; call once the window stands. Safe to call twice."""
        if not self._is_open:
            self._is_open = True
            self._tasks.start(self._resume_all(), on_error=self._fail, name="resume jobs")

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        self._is_open = False
        self._timer.stop()

    def watch(self, is_seen: bool) -> None:
        """Say whether somebody sees the jobs."""
        self._is_seen = is_seen
        if is_seen:
            self.look()
        self._pace()

    def look(self) -> None:
        """Look at the jobs now; call this when one was begun."""
        before = {job.id: job for job in self._jobs}
        jobs, state = self._engine.jobs(), self._engine.hub_state()
        is_other = jobs != self._jobs or _shown(state) != _shown(self._state)
        self._jobs, self._state = jobs, state
        self._pace()
        if is_other:
            self.changed.emit()
        for job in jobs:
            was = before.get(job.id)
            if job.is_over and was is not None and not was.is_over:
                self.ended.emit(job)

    # ------------------------------------------------------------------------------------------------------- actions

    def pause(self, job: int) -> None:
        """Stop a job until it is resumed."""
        self._do(lambda: self._engine.pause_job(job))

    def resume(self, job: int) -> None:
        """Go on with a paused job, or try a failed one again."""
        self._do(lambda: self._engine.resume_job(job))

    def cancel(self, job: int) -> None:
        """End a job and remove what it has left, or forget one that has ended."""
        self._do(lambda: self._engine.cancel_job(job))

    def pause_all(self, is_paused: bool) -> None:
        """Pause everything that can be paused, or go on with everything that is paused."""
        for job in self._jobs:
            if is_paused and is_active(job) and job.can_pause:
                self.pause(job.id)
            elif not is_paused and job.state is JobState.PAUSED:
                self.resume(job.id)

    def dismiss_done(self) -> None:
        """Forget the jobs that are done; failed ones stay."""
        for job in self._jobs:
            if job.state is JobState.DONE:
                self.cancel(job.id)

    # ------------------------------------------------------------------------------------------------------- private

    def _do(self, work: Callable[[], None]) -> None:
        """Off the UI thread: a job writes down what it has before it says that it stopped."""
        self._tasks.start(self._done(work), on_error=self._fail, name="job")

    async def _done(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        finally:
            if self._is_open or self._is_seen:
                self.look()

    async def _resume_all(self) -> None:
        try:
            await asyncio.to_thread(self._engine.resume_jobs)
        except EngineError as error:  # another program of Hearth does it: said beside the jobs, in nobody's way
            self.note = str(error)
            self.changed.emit()
        if self._is_open:
            self.look()

    def _pace(self) -> None:
        is_busy = any(is_active(job) for job in self._jobs)
        if (is_busy or self._is_seen) and (self._is_open or self._is_seen):
            wanted = SEEN_MS if self._is_seen else UNSEEN_MS
            if not self._timer.isActive() or self._timer.interval() != wanted:
                self._timer.start(wanted)
        else:
            self._timer.stop()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(*reason_of(error))


def is_active(job: BackgroundJob) -> bool:
    """Whether a job runs, or will by itself."""
    return job.state in _ACTIVE


def is_download(job: BackgroundJob) -> bool:
    """Whether a job uses the network."""
    return job.kind is JobKind.DOWNLOAD


def _shown(state: HubState | None) -> tuple[object, ...]:
    """What of a state is worth a repaint: free space changes all the time."""
    if state is None:
        return ()
    return (state.is_offline, state.bytes_per_s, state.has_token, state.free_bytes // 100_000_000)
