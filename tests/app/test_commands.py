"""The palette over the whole window: every command does what it says."""

import asyncio
import gc
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.hardware.placement_dialog import PlacementDialog
from app.main import App, Options
from app.preferences import PreferencesPage
from app.queue import QueuePage
from app.settings import AppSettings
from app.task_runs import TasksPage
from app.theme.widgets import ChoiceDialog
from engine import Engine, EngineConfig
from engine.testing import FakeBackend


@pytest.fixture
def qt(qapp: QApplication):
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


def run(qt: QApplication, coro) -> None:
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qt)) as runner:
        runner.run(asyncio.wait_for(coro, 30))
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


async def until(is_true) -> None:
    while not is_true():  # noqa: ASYNC110 - conditions come from Qt, not from events
        await asyncio.sleep(0.005)


def titles(app: App) -> list[str]:
    return [command.title for command in app.palette.found]


async def press(app: App, typed: str) -> None:
    """Open the palette by its keys, type, and press Enter."""
    app.window.activateWindow()
    await until(app.window.isActiveWindow)
    QTest.keyClick(app.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: app.palette.isVisible() and app.palette.edit.hasFocus())
    QTest.keyClicks(app.palette.edit, typed)
    QTest.keyClick(app.palette.edit, Qt.Key.Key_Return)
    assert not app.palette.isVisible()


def test_pages_tasks_chat_and_themes_are_a_few_letters_away(qt, tmp_path: Path):
    async def story() -> None:
        config = EngineConfig(home=tmp_path)
        engine = Engine(config, backends={"gguf": FakeBackend(), "onnx": FakeBackend()})
        app = App(qt, Options(config=config), AppSettings(), engine)
        app.window.show()
        app.open()
        try:
            await until(lambda: app.runs.tasks and app.chat.choices.current)
            await press(app, "open reco")
            assert app.window.page_name == "recognize"
            await press(app, "summarize a file")
            assert app.window.page_name == "tasks"
            assert app.window.findChild(TasksPage).form_pane.task.id == "summarize"
            await press(app, "theme light high")
            assert app.appearance.setting == "high-contrast-light"
            app.chat.send("Hi")
            await until(lambda: app.chat.session.last and not app.chat.session.is_busy)
            await press(app, "new chat")
            assert (app.window.page_name, app.chat.session.last) == ("chat", None)
            app.palette.toggle()
            assert {"Open Plugins", "Install a plugin…", "Copy the last answer"} <= set(titles(app))
            assert {"Open Hardware", "Measure the devices again"} <= set(titles(app))
            app.palette.toggle()
            await press(app, "copy hardware report")
            assert app.window.page_name == "hardware"
            assert "cpu" in QGuiApplication.clipboard().text().lower()
            await press(app, "where models run")
            await until(lambda: app.window.findChild(PlacementDialog))
            dialog = app.window.findChild(PlacementDialog)
            await until(lambda: dialog.table.buttons)
            dialog.close()
            await press(app, "pause new work")
            assert app.window.page_name == "queue"
            assert engine.queue().is_paused
            app.palette.toggle()
            assert {"Open Queue", "Go on with new work", "Show what runs and what waits"} <= set(titles(app))
            app.palette.toggle()
            await press(app, "go on new work")
            assert not engine.queue().is_paused
            await press(app, "show what has finished")
            assert app.window.findChild(QueuePage).board.finished.isVisible()
        finally:
            await app.close()
            app.window.deleteLater()
        assert AppSettings.load(tmp_path / "window.toml").theme == "high-contrast-light"

    run(qt, story())


def test_the_settings_are_a_few_letters_away(qt, tmp_path: Path):
    async def story() -> None:
        config = EngineConfig(home=tmp_path)
        app = App(qt, Options(config=config), AppSettings(), Engine(config, backends={"gguf": FakeBackend()}))
        app.window.show()
        app.open()
        try:
            await press(app, "delete kept answers")
            assert app.window.page_name == "settings"
            dialog = app.window.findChild(ChoiceDialog)
            await until(dialog.isVisible)
            dialog.reject()
            await press(app, "set the memory")
            mode = app.window.findChild(PreferencesPage).board.memory.mode
            await until(lambda: mode.isAncestorOf(app.window.focusWidget()))
        finally:
            await app.close()
            app.window.deleteLater()

    run(qt, story())
