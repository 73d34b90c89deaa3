"""The life of a plugin as a person sees it: from new to removed, on the command line and in the window."""

import asyncio
import gc
import json
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.garbage import collecting_on_this_thread
from app.main import App, Options
from app.plugins.actions import Action
from app.plugins.consent_dialog import ConsentDialog
from app.plugins.page import PluginsPage
from app.settings import AppSettings
from app.task_runs import TasksPage
from engine import Engine, EngineConfig, PluginError, PluginState, TaskFinished, TaskRequest
from engine.plugins.manifest import OfferKind
from engine.plugins.scaffold import write_scaffold
from engine.testing import FakeBackend

PLUGIN = "word-count"


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


async def hearth(home: Path, *arguments: str | Path) -> Said:
    """Run a command in another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "engine", *map(str, arguments)),
        env={**os.environ, "HEARTH_HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())


def state(engine: Engine) -> PluginState | None:
    return next((info.state for info in engine.plugins.snapshot() if info.id == PLUGIN), None)


async def is_now(engine: Engine, wanted: PluginState | None) -> None:
    """Wait until the open engine has noticed what a command did."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    remove = engine.plugins.add_listener(lambda: loop.call_soon_threadsafe(changed.set))
    try:
        while state(engine) is not wanted:
            await changed.wait()
            changed.clear()
    finally:
        remove()


async def count(engine: Engine, text: str) -> object:
    async with aclosing(engine.run_task(TaskRequest(task=PLUGIN, inputs={"text": text}))) as events:
        async for event in events:
            if isinstance(event, TaskFinished):
                return event.outputs["words"]
    raise AssertionError("the task never finished")


async def test_from_new_to_removed_while_hearth_is_open(tmp_path: Path) -> None:
    home, source = tmp_path / "home", tmp_path / "word_count"
    said = await hearth(home, "plugins", "new", PLUGIN, "--into", tmp_path)
    assert said.code == 0, said.err
    said = await hearth(home, "plugins", "test", source, "--no-tests")
    assert said.code == 0, said.out

    async with Engine(EngineConfig(home=home), backends={"gguf": FakeBackend()}) as engine:
        await engine.settled()
        said = await hearth(home, "plugins", "install", source, "--yes")
        assert "It asks for no permissions." in said.err
        assert "It runs from now on." in said.out
        await is_now(engine, PluginState.ACTIVE)
        assert await count(engine, "one two three") == 3

        with (home / "plugins" / "word_count" / "task.py").open("a") as file:
            file.write("\n")
        with pytest.raises(PluginError, match="files have changed"):
            await engine.plugins.reload(PLUGIN)
        assert state(engine) is PluginState.NEEDS_CONSENT
        said = await hearth(home, "task", PLUGIN, "--text", "a b")
        assert said.code != 0
        assert f"hearth plugins enable {PLUGIN}" in said.err

        await hearth(home, "plugins", "enable", PLUGIN, "--yes")
        await is_now(engine, PluginState.ACTIVE)
        assert await count(engine, "one two") == 2

        await hearth(home, "plugins", "remove", PLUGIN)
        await is_now(engine, None)
        assert PLUGIN not in {task.id for task in engine.tasks()}
    assert list((home / "plugins").iterdir()) == []
    assert json.loads((home / "plugins.json").read_text())["plugins"] == {}
    assert psutil.Process().children() == []


@pytest.fixture
def qt(qapp: QApplication):
    """The application, with its looks put back afterwards."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


async def until(is_true: Callable[[], object]) -> None:
    while not is_true():  # noqa: ASYNC110 - conditions come from Qt, not from events
        await asyncio.sleep(0.005)


async def use_the_window(qt: QApplication, home: Path) -> None:
    config = EngineConfig(home=home)
    engine = Engine(config, backends={"gguf": FakeBackend(), "onnx": FakeBackend()})
    app = App(qt, Options(config=config, theme="light"), AppSettings(), engine)
    plugins, tasks = app.window.findChild(PluginsPage), app.window.findChild(TasksPage)
    app.window.show()
    app.open()
    await until(lambda: (info := app.plugins.find(PLUGIN)) is not None and info.digest)
    app.window.open_page("plugins")
    plugins.parts.table.choose(PLUGIN)
    QTest.mouseClick(plugins.parts.pane.buttons[Action.ALLOW], Qt.MouseButton.LeftButton)
    dialog = plugins.findChild(ConsentDialog)
    await until(dialog.yes_button.isEnabled)
    QTest.mouseClick(dialog.yes_button, Qt.MouseButton.LeftButton)
    await until(lambda: PLUGIN in {row.key for row in tasks.task_list.rows})

    app.window.open_page("tasks")
    tasks.show_task(PLUGIN)
    tasks.form_pane.fill({"text": "four words of text"})
    QTest.mouseClick(tasks.form_pane.run_button, Qt.MouseButton.LeftButton)
    await until(lambda: tasks.run_pane.cards and not app.runs.runs[0].is_running and tasks.run_pane.is_settled)
    assert tasks.run_pane.cards["words"].text == "4"
    await app.close()


def test_a_strangers_task_is_allowed_and_run_in_the_window(qt: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with asyncio.timeout(60):
            await use_the_window(qt, tmp_path)

    (tmp_path / "plugins").mkdir()
    write_scaffold(PLUGIN, OfferKind.TASK, tmp_path / "plugins")
    with collecting_on_this_thread(), asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qt)) as runner:
        runner.run(body())
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert psutil.Process().children() == []
