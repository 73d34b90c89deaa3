"""What concerns Hearth itself, in the whole window: the palette, Settings, safe mode and what is remembered."""

import asyncio
import gc
from dataclasses import replace
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.about import AboutCard, AboutDialog
from app.main import App, Options
from app.preferences import PreferencesPage
from app.recovery import Ending, EndKind, RunMarker
from app.settings import AppSettings
from app.updates import Memory, UpdatesCard
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


def build(qt: QApplication, home: Path, settings: AppSettings | None = None, **options: object) -> App:
    config = EngineConfig(home=home)
    engine = Engine(config, backends={"gguf": FakeBackend(), "onnx": FakeBackend()})
    return App(qt, Options(config=config, **options), settings or AppSettings(theme="light"), engine)  # type: ignore[arg-type]


def test_the_palette_leads_to_everything_about_hearth(qt, tmp_path: Path) -> None:
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        commands = {command.title: command for command in app.palette._offer()}
        assert "Look for a new version" not in commands, "there is nowhere to ask"
        commands["About Hearth…"].run()
        assert [dialog for dialog in app.window.findChildren(AboutDialog) if dialog.isVisible()]
        commands["Show the log…"].run()
        assert app.upkeep.crash is not None
        assert app.upkeep.crash.dialog.isVisible()
        await app.close()

    run(qt, body())


def test_settings_have_a_card_for_new_versions_and_one_about_hearth(qt, tmp_path: Path) -> None:
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        app.open()
        app.window.open_page("settings")
        board = app.window.findChild(PreferencesPage).board
        assert [type(card) for card in board.more] == [UpdatesCard, AboutCard]
        assert app.models.jobs._is_open, "which safe mode leaves out"
        board.more[1].about.click()
        assert app.window.findChildren(AboutDialog)
        await app.close()

    run(qt, body())


def test_consent_is_kept_at_once_also_in_safe_mode_which_keeps_no_place_of_the_window(qt, tmp_path: Path) -> None:
    file = tmp_path / "window.toml"
    usual = AppSettings(
        theme="light", geometry=(10, 10, 1100, 700), page="queue", vision_model="reader", told_version="7"
    )

    async def body() -> None:
        app = build(qt, tmp_path, usual, is_safe=True)
        assert app.window.page_name == "chat"
        assert app.window.width() == 1280
        assert app.upkeep.updates.memory == Memory(told="7")
        app.window.show()
        app.upkeep.updates.switch(True)
        assert AppSettings.load(file).looks_for_updates
        app.window.show_named("tasks")
        app.upkeep.updates.switch(False)
        assert AppSettings.load(file) == usual
        app.upkeep.updates.memory = Memory(looked_at=5, told="1", skipped="2")
        await app.close()
        assert AppSettings.load(file) == replace(usual, looked_for_updates_at=5, told_version="1", skipped_version="2")

    run(qt, body())


def test_in_safe_mode_jobs_of_the_last_time_wait(qt, tmp_path: Path) -> None:
    async def body() -> None:
        app = build(qt, tmp_path, is_safe=True)
        app.window.show()
        app.open()
        assert not app.models.jobs._is_open
        await app.close()

    run(qt, body())


def test_safe_mode_is_one_press_away_after_a_crash(qt, tmp_path: Path, monkeypatch) -> None:
    began: list[list[str]] = []
    monkeypatch.setattr("app.upkeep.start_at_exit", began.append)
    marker = RunMarker(tmp_path, "1")
    marker.ending = Ending(kind=EndKind.UNKNOWN)

    async def body() -> None:
        app = build(qt, tmp_path, marker=marker)
        closing: list[str] = []
        app.window.close_requested.connect(lambda: closing.append("closing"))
        app.window.show()
        assert app.window.notice.message.startswith("Hearth ended unexpectedly the last time.")
        app.window.notice._third.click()
        assert closing == ["closing"]
        await app.close()

    run(qt, body())
    (command,) = began
    assert command[-3:] == ["--safe", "--home", str(tmp_path)]
