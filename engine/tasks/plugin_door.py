"""PluginDoor: the part of the engine's door that leads to plugins, their tasks and their tools."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing

from engine.plugins.host import PluginHost
from engine.plugins.infos import PluginState, TaskEvent, TaskInfo, TaskRequest, ToolInfo
from engine.tasks.runner import TaskRunner
from engine.tasks.tools import ToolBox
from engine.types import ToolCall


class PluginDoor(ABC):
    """What plugins add to the door; `Engine` is one."""

    @property
    @abstractmethod
    def plugins(self) -> PluginHost:
        """All plugins: what they are, and how to allow, stop, install and remove them."""

    @abstractmethod
    def _task_runner(self) -> TaskRunner:
        """Runs tasks; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _tool_box(self) -> ToolBox:
        """Calls tools; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _wait_for_recognition(self) -> None:
        """Wait until plugins in other processes have said which models they know."""

    @abstractmethod
    def _wait_for_devices(self) -> None:
        """Wait until the devices are known."""

    async def settled(self) -> None:
        """Wait until the plugins that were to start have started, or failed to, and have said which models they know.

        The devices are known then, too.

        Whoever opens the engine for one request does this first; a window need not, since it shows what comes later.

        Raises:
            EngineClosedError: it is not open.
        """
        await self.plugins.settled()
        if any(info.is_isolated and info.state is PluginState.ACTIVE for info in self.plugins.snapshot()):
            await asyncio.to_thread(self._wait_for_recognition)
        await asyncio.to_thread(self._wait_for_devices)

    def tasks(self) -> tuple[TaskInfo, ...]:
        """All tasks that plugins offer, by title.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._task_runner().tasks()

    async def run_task(self, request: TaskRequest) -> AsyncGenerator[TaskEvent]:
        """Run a task; close the generator (`contextlib.aclosing`) to cancel it.

        Yields:
            `TaskProgress` and `TaskText` while it works, `TaskFinished` at the end.

        Raises:
            EngineError: any of the tree.
        """
        async with aclosing(self._task_runner().run(request)) as events:
            async for event in events:
                yield event

    def tools(self) -> tuple[ToolInfo, ...]:
        """All functions that models may be given, by name.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._tool_box().tools()

    async def call_tool(self, call: ToolCall) -> str:
        """Do what a model asked for, and return what it is to be told.

        Raises:
            EngineError: any of the tree; its cause is what the model should be told instead.
        """
        return await self._tool_box().call(call)
