"""TaskRunner: runs tasks, each on a thread of its own."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, cast

from engine.errors import EngineError, InvalidRequestError, PluginError
from engine.plugins.contract.tasks import Models, Task
from engine.plugins.contract.values import Value, Values
from engine.plugins.infos import TaskEvent, TaskFinished, TaskInfo, TaskProgress, TaskRequest, TaskText
from engine.plugins.manifest import PermissionKind
from engine.plugins.registry import Registry
from engine.tasks.bridge import Cancellation, Door, DoorModels, NoModels
from engine.tasks.channel import TaskChannel
from engine.tasks.inputs import complete

MAX_NOTE_CHARS: Final = 200

Permits = Callable[[str, PermissionKind], bool]
"""Whether a plugin may do something."""


class TaskRunner:
    """Runs the tasks of all plugins.

    Thread: the event loop's.
    """

    def __init__(self, registry: Registry, door: Door, permits: Permits) -> None:
        self._registry = registry
        self._door = door
        self._permits = permits

    def tasks(self) -> tuple[TaskInfo, ...]:
        """All tasks, by title."""
        return tuple(sorted((describe(plugin, task) for plugin, task in self._registry.tasks()), key=lambda t: t.title))

    async def run(self, request: TaskRequest) -> AsyncGenerator[TaskEvent]:
        """Run a task; closing the generator cancels it.

        Yields:
            `TaskProgress` and `TaskText` while it works, `TaskFinished` at the end.

        Raises:
            InvalidRequestError: there is no such task, or an input is wrong.
            EngineError: it failed; says why.
        """
        plugin, task = self._find(request.task)
        inputs = complete(task.inputs, request.inputs)
        loop = asyncio.get_running_loop()
        run = _Run(plugin, task, TaskChannel(loop))
        models: Models = DoorModels(self._door, loop, run.cancellation, request.urgency, task.title)
        if not self._permits(plugin, PermissionKind.MODELS):
            models = cast("Models", NoModels(plugin))
        # A daemon: a task that does not listen must not keep the program from ending.
        threading.Thread(target=run.work, args=(inputs, models), name=f"hearth-task-{task.id}", daemon=True).start()
        try:
            async with aclosing(run.channel.events()) as events:
                async for event in events:
                    yield event
        finally:
            run.cancellation.set()

    def _find(self, name: str) -> tuple[str, Task]:
        for plugin, task in self._registry.tasks():
            if task.id == name:
                return plugin, task
        known = ", ".join(sorted(task.id for _, task in self._registry.tasks())) or "none"
        raise InvalidRequestError(f"There is no task called {name}.", f"Known are: {known}.")


class _Run:
    """One run of a task; the `TaskContext` that it gets.

    Thread: the task's, but for `cancellation`.
    """

    def __init__(self, plugin: str, task: Task, channel: TaskChannel) -> None:
        self.cancellation = Cancellation()
        self.channel = channel
        self.models: Models
        self._plugin = plugin
        self._task = task
        self._grows = {field.name for field in task.outputs}

    def work(self, inputs: Values, models: Models) -> None:
        """Run the task and say how it ended."""
        self.models = models
        began_s = time.monotonic()
        try:
            outputs = self._checked(self._task.run(inputs, self))
            self.channel.end(TaskFinished(outputs, time.monotonic() - began_s))
        except EngineError as error:
            self.channel.end(error)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises ends its task and nothing else
            cause = f"The task {self._task.title} failed inside: {type(error).__name__}: {error}."
            self.channel.end(PluginError(self._plugin, cause, "Its author can say more."))

    def progress(self, fraction: float, note: str = "") -> None:
        """Say how far it is."""
        self.cancellation.check()
        self.channel.put(TaskProgress(min(1.0, max(0.0, float(fraction))), str(note)[:MAX_NOTE_CHARS]))

    def emit(self, output: str, text: str) -> None:
        """Append text to an output."""
        self.cancellation.check()
        if output not in self._grows:
            raise PluginError(self._plugin, f"The task {self._task.title} has no output called {output}.")
        self.channel.put(TaskText(output, str(text)))

    def _checked(self, outputs: Values) -> dict[str, Value]:
        try:
            return complete(self._task.outputs, outputs)
        except InvalidRequestError as error:
            cause = f"The task {self._task.title} returned something wrong: {error.cause}"
            raise PluginError(self._plugin, cause, "Its author has to correct it.") from error


def describe(plugin: str, task: Task) -> TaskInfo:
    """What is shown of a task."""
    return TaskInfo(
        id=task.id,
        plugin=plugin,
        title=task.title,
        summary=task.summary,
        inputs=tuple(task.inputs),
        outputs=tuple(task.outputs),
    )
