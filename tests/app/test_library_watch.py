"""Other pages notice models that come and go; the Models page sends models to them."""

import asyncio
import gc
import shutil
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.main import App, Options
from app.models import ModelsPage
from app.settings import AppSettings
from engine import Engine, EngineConfig
from engine.testing import FakeBackend
from resources import models_dir


@pytest.fixture
def qt(qapp: QApplication):
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


async def until(is_true) -> None:
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110 - conditions come from Qt, not from events
            await asyncio.sleep(0.01)


@pytest.fixture
def with_app(qt, tmp_path):
    """Run a check in an open window over an engine with a home of its own."""

    (tmp_path / "home" / "models").mkdir(parents=True)

    def show(check) -> None:
        async def body() -> None:
            config = EngineConfig(home=tmp_path / "home", used_in_place=())
            backend = FakeBackend()
            engine = Engine(config, backends={"gguf": backend, "onnx": backend})
            app = App(qt, Options(config=config, theme="light"), AppSettings(), engine)
            app.window.show()
            app.open()
            await until(lambda: app.chat.choices.current is not None and app.recognize.models)
            await until(lambda: app._library._version is not None)
            await check(app, config.home / "models")
            await app.close()

        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qt)) as runner:
            runner.run(body())
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()

    return show


def ids(models) -> set[str]:
    return {model.id for model in models}


def test_a_model_that_arrives_is_offered_on_every_page_without_a_restart(with_app):
    async def check(app: App, models: Path) -> None:
        shutil.copy(models_dir() / "starter.gguf", models / "late.gguf")
        await until(lambda: app.show_snapshot() or "late" in ids(app.chat.choices.models))
        await until(lambda: "late" in ids(app.runs.models))
        (models / "late.gguf").unlink()
        await until(lambda: app.show_snapshot() or "late" not in ids(app.chat.choices.models))

    with_app(check)


def test_chat_and_recognize_open_with_a_model_of_the_page_which_says_where_it_is_used(with_app):
    async def check(app: App, models: Path) -> None:
        page = app.window.findChild(ModelsPage)
        app.window.open_page("models")
        await until(lambda: app.models.installed.is_known)
        assert app.models.installed.uses("starter") == ("Chosen in Chat",)
        assert app.models.installed.uses("reader") == ("Chosen in Recognize",)
        page.recognize_wanted.emit("reader")
        assert app.window.page_name == "recognize"
        page.chat_wanted.emit("starter")
        assert app.window.page_name == "chat"

    with_app(check)


def test_the_palette_loads_and_lets_go_of_models_and_leads_to_downloads(with_app):
    async def check(app: App, models: Path) -> None:
        app.window.open_page("models")
        await until(lambda: app.models.installed.find("starter") is not None)

        def run(title: str) -> None:
            app.palette.toggle()
            app.palette.edit.setText(title)
            next(command for command in app.palette.found if command.title == title).run()
            app.palette.toggle()

        title = app.models.installed.find("starter").title
        run(f"Load {title}")
        row = app.models.installed.find("starter")
        await until(lambda: app.models.installed.state(row).is_loaded)
        run(f"Unload {title}")
        await until(lambda: not app.models.installed.state(row).is_loaded)
        app.window.open_page("chat")
        run("Find a model to download")
        assert app.window.page_name == "models"
        page = app.window.findChild(ModelsPage)
        assert page.board.parts.views.choice == "Discover"
        await until(lambda: app.models.discover.is_loaded)

    with_app(check)
