"""The tasks page over real tasks, run as the engine runs them, on Qt's event loop."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from app.plugin_watch import PluginWatch
from app.task_runs import TaskRunsController, TasksPage
from app.tasks import Tasks
from app.theme import Appearance
from engine import Engine, EngineConfig, EngineError, Field, Kind, PluginInfo, Table
from engine.plugins.offers import Offers
from engine.testing import FakeBackend

TIMEOUT_S = 10


class Shout:
    """Writes a text in capitals, word by word."""

    id = "shout"
    title = "Shout"
    summary = "Writes a text in capitals."
    inputs = (
        Field(name="text", title="Text", multiline=True, help="What to say louder."),
        Field(name="times", title="Times", kind=Kind.INTEGER, default=1, least=1, most=5),
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="messages", required=False),
    )
    outputs = (
        Field(name="loud", title="Loud text", kind=Kind.MARKDOWN),
        Field(name="words", title="Words", kind=Kind.TABLE),
        Field(name="count", title="Count", kind=Kind.INTEGER),
    )

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self, inputs, context):
        words = inputs["text"].split()
        context.progress(0.25, "shouting")
        for word in words:
            context.emit("loud", f"{word.upper()} ")
        while not self.go_on.wait(0.005):
            context.progress(0.5, "waiting")
        rows = tuple((word, str(len(word))) for word in words)
        loud = "# " + inputs["text"].upper() + "\n\n```python\nprint(1)\n```"
        return {"loud": loud, "words": Table(("Word", "Letters"), rows), "count": len(words)}


class Fail:
    """Says something, then fails."""

    id = "fail"
    title = "Fail"
    summary = "Always fails."
    inputs = ()
    outputs = (Field(name="notes", title="Notes"),)

    def run(self, inputs, context):
        context.emit("notes", "First of all, ")
        raise EngineError("The paper is empty.", "Write something on it.")


class Bench:
    """A page with everything behind it."""

    def __init__(self, home: Path) -> None:
        self.errors: list[Exception] = []
        self.engine = Engine(EngineConfig(home=home), backends={"gguf": FakeBackend()})
        self.shout = Shout()
        self.put("tests", self.shout, Fail())
        self.tasks = Tasks(self.errors.append)
        self.controller = TaskRunsController(self.engine, self.tasks)
        self.watch = PluginWatch(self.engine)
        self.watch.changed.connect(self.controller.refresh)
        self.appearance = Appearance("light")
        self.page = TasksPage(self.appearance, self.controller)
        self.page.resize(1208, 768)

    def put(self, plugin: str, *tasks: Any) -> None:
        """Give a plugin these tasks, and tell of it as the host does: on a thread of its own."""
        self.engine._registry.put(plugin, Offers(tasks=list(tasks)))
        host = self.engine.plugins
        info = PluginInfo(id=f"{plugin}-{len(host.snapshot())}", folder=Path("/nowhere"))
        host._snapshot = (*host.snapshot(), info)
        thread = threading.Thread(target=lambda: [listener() for listener in host._listeners])
        thread.start()
        thread.join()

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
                await asyncio.sleep(0.001)

    async def settled(self) -> None:
        await self.until(lambda: not any(run.is_running for run in self.controller.runs))
        await self.until(lambda: self.page.run_pane.is_settled)

    async def __aenter__(self) -> "Bench":
        self.page.show()
        self.engine.open()
        self.watch.open()
        self.controller.open()
        await self.until(lambda: self.controller.models)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.shout.go_on.set()
        self.watch.close()
        await self.tasks.close()
        self.controller.close()
        await self.engine.close()
        self.page.hide()
        self.page.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []


@pytest.fixture
def bench(qapp: QApplication, tmp_path: Path) -> Bench:
    """Enter it inside `run`."""
    return Bench(tmp_path)
