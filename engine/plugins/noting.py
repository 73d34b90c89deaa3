"""Notes which tasks and tools are at work, so that a crash can be traced to their plugin."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from engine.plugins.contract.offers import Tool
from engine.plugins.contract.tasks import Task, TaskContext
from engine.plugins.contract.values import Json, Values
from engine.plugins.offers import Offers

Note = Callable[[], AbstractContextManager[None]]
"""Makes a context manager during which the plugin is noted to be at work."""


def noted(offers: Offers, note: Note) -> Offers:
    """Offers whose tasks and tools are noted while they work: these are what reaches far, and takes long."""
    return replace(
        offers,
        tasks=[NotedTask(task, note) for task in offers.tasks],
        tools=[NotedTool(tool, note) for tool in offers.tools],
    )


class NotedTask:
    """A task that is noted while it runs."""

    def __init__(self, task: Task, note: Note) -> None:
        self.id = task.id
        self.title = task.title
        self.summary = task.summary
        self.inputs = task.inputs
        self.outputs = task.outputs
        self._task = task
        self._note = note

    def run(self, inputs: Values, context: TaskContext) -> Values:
        """Run the task."""
        with self._note():
            return self._task.run(inputs, context)


class NotedTool:
    """A tool that is noted while it works."""

    def __init__(self, tool: Tool, note: Note) -> None:
        self.spec = tool.spec
        self.permission = tool.permission
        self._tool = tool
        self._note = note

    def call(self, arguments: Mapping[str, Json]) -> str:
        """Call the tool."""
        with self._note():
            return self._tool.call(arguments)
