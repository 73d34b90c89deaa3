"""TaskRunsController: the tasks there are, and their runs, which go on whatever page is shown."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.forms import FileReader
from app.task_runs.run import RunState, TaskRun
from app.tasks import Tasks
from engine import (
    Engine,
    EngineClosedError,
    EngineError,
    ModelInfo,
    PluginError,
    TaskCancelledError,
    TaskEvent,
    TaskFinished,
    TaskInfo,
    TaskProgress,
    TaskRequest,
    TaskText,
    Values,
)

MOST_RUNS = 20  # that are remembered; the oldest that has ended goes first


class TaskRunsController(QObject):
    """Tasks, and their runs of this session; at most one run of a task at a time.

    Attributes:
        files: reads the files that forms ask for, and writes results.

    Signals:
        tasks_changed: `tasks` is another.
        models_changed: `models` is another.
        runs_changed: a run began or ended, or was forgotten.
        advanced: a run is further than it was.
        grown: a run, the name of an output, and the text that was added to it.
        ended: a run has ended in one way or another.

    Thread: UI only.
    """

    tasks_changed = Signal()
    models_changed = Signal()
    runs_changed = Signal()
    advanced = Signal(object)
    grown = Signal(object, str, str)
    ended = Signal(object)

    def __init__(self, engine: Engine, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.files = FileReader(tasks)
        self._engine = engine
        self._coroutines = tasks
        self._tasks: tuple[TaskInfo, ...] = ()
        self._models: tuple[ModelInfo, ...] = ()
        self._preferred = ""
        self._runs: list[TaskRun] = []
        self._in_flight: dict[TaskRun, asyncio.Task[None]] = {}

    @property
    def tasks(self) -> tuple[TaskInfo, ...]:
        """All tasks, by title."""
        return self._tasks

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """All models on disk, as of the last look; the preferred one first."""
        return self._models

    @property
    def runs(self) -> Sequence[TaskRun]:
        """Runs of this session, the newest first."""
        return self._runs

    def running(self, task: str) -> TaskRun | None:
        """The run of a task that has not ended."""
        return next((run for run in self._in_flight if run.task.id == task), None)

    def latest(self, task: str) -> TaskRun | None:
        """The newest run of a task."""
        return next((run for run in self._runs if run.task.id == task), None)

    def open(self) -> None:
        """Take up work: the engine is open now. Safe to call twice."""
        self.refresh()

    def close(self) -> None:
        """End the threads; call after `Tasks.close`."""
        self.files.close()

    def refresh(self) -> None:
        """Look for tasks and models again, as after other plugins run than before."""
        with suppress(EngineClosedError):  # a change that was under way while the engine closed
            found = self._engine.tasks()
            if found != self._tasks:
                self._tasks = found
                self.tasks_changed.emit()
            self._coroutines.start(self._find_models(), name="find models for tasks")

    def start(self, task: TaskInfo, inputs: Values) -> TaskRun | None:
        """Run a task; refused while it is running already."""
        if self.running(task.id) is not None:
            return None
        run = TaskRun(task=task, inputs=inputs)
        self._runs.insert(0, run)
        self._forget()
        self._in_flight[run] = self._coroutines.start(self._run(run), name=f"task {task.id}")
        self._in_flight[run].add_done_callback(lambda _task: self._end(run, RunState.CANCELLED))  # before it began
        self.runs_changed.emit()
        return run

    def cancel(self, run: TaskRun) -> None:
        """End a run; what it said so far stays."""
        if run in self._in_flight:
            self._in_flight[run].cancel()

    def save(self, path: Path, content: bytes, done: Callable[[str], None]) -> None:
        """Write a file, then call `done` with a sentence that says why it failed, or with nothing."""
        self._coroutines.start(self._save(path, content, done), name="save a result")

    def prefer(self, model: str) -> None:
        """Offer a model first from now on, wherever it is fit."""
        self._preferred = model
        self._show_models(self._models)

    async def _find_models(self) -> None:
        self._show_models(await self.files.call(self._engine.models))

    def _show_models(self, found: Sequence[ModelInfo]) -> None:
        ordered = tuple(sorted(found, key=lambda info: (info.id != self._preferred, info.id)))
        if ordered != self._models:
            self._models = ordered
            self.models_changed.emit()

    async def _save(self, path: Path, content: bytes, done: Callable[[str], None]) -> None:
        try:
            await self.files.call(path.write_bytes, content)
        except OSError as error:
            done(f"{path.name} could not be written: {error.strerror or error}. Choose another place.")
        else:
            done("")

    async def _run(self, run: TaskRun) -> None:
        state = RunState.CANCELLED
        try:
            async with aclosing(self._engine.run_task(TaskRequest(task=run.task.id, inputs=run.inputs))) as events:
                async for event in events:
                    self._take(run, event)
            state = RunState.DONE
        except TaskCancelledError:
            state = RunState.CANCELLED
        except EngineError as error:
            state = RunState.FAILED
            run.cause, run.remedy = error.cause, error.remedy
            run.details = error.details if isinstance(error, PluginError) else ""
        finally:
            self._end(run, state)

    def _take(self, run: TaskRun, event: TaskEvent) -> None:
        if isinstance(event, TaskText):
            run.texts[event.output] = run.texts.get(event.output, "") + event.text
            self.grown.emit(run, event.output, event.text)
        elif isinstance(event, TaskProgress):
            run.fraction, run.note = event.fraction, event.note
            self.advanced.emit(run)
        elif isinstance(event, TaskFinished):
            run.outputs, run.total_s = event.outputs, event.total_s

    def _end(self, run: TaskRun, state: RunState) -> None:
        if not run.is_running:
            return
        run.state = state
        run.total_s = run.total_s or time.time() - run.started_s
        self._in_flight.pop(run, None)
        self.ended.emit(run)
        self.runs_changed.emit()

    def _forget(self) -> None:
        ended = [run for run in self._runs if not run.is_running]
        for run in reversed(ended):
            if len(self._runs) <= MOST_RUNS:
                return
            self._runs.remove(run)
