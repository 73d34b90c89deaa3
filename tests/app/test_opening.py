"""Files that Hearth is started with, is handed while it runs, or gets from the system, reach their pages."""

import asyncio
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.foreground import bring_forward
from app.garbage import collecting_on_this_thread
from app.main import App, Options, run_app
from app.models.import_dialog import ImportDialog
from app.one_window import Handover, enter
from app.plugins.consent_dialog import ConsentDialog
from app.settings import AppSettings
from engine import Engine, EngineConfig
from engine.bench.random_model import write_random_gguf
from engine.plugins.manifest import OfferKind
from engine.plugins.scaffold import write_scaffold
from engine.testing import FakeBackend

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 30


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given") / "given.gguf"
    write_random_gguf(path, "tiny", "q8_0", extra={})
    return path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    path = tmp_path / "picture.png"
    assert image.save(str(path))
    return path


@pytest.fixture
def in_window(qapp: QApplication, tmp_path: Path):
    """Run a coroutine with a window whose engine is open; it is closed afterwards."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()

    def run(body: Callable[[App], object], home: Path = tmp_path / "home") -> None:
        async def whole() -> None:
            backend = FakeBackend()
            engine = Engine(EngineConfig(home=home), backends={"gguf": backend, "onnx": backend})
            app = App(qapp, Options(config=engine.config, theme="light"), AppSettings(), engine)
            app.window.show()
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await body(app)
            finally:
                await app.close()
            app.window.deleteLater()

        with collecting_on_this_thread(), asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
            runner.run(whole())
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()

    yield run
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


async def until(is_true: Callable[[], object]) -> None:
    while not is_true():  # noqa: ASYNC110 - conditions come from Qt, not from events
        await asyncio.sleep(0.005)


def test_pictures_wait_for_the_engine_and_then_go_to_recognize(in_window, picture: Path):
    async def body(app: App) -> None:
        app.opening.add([picture])
        await asyncio.sleep(0.3)  # longer than files are collected
        assert app.recognize.batch.rowCount() == 0
        app.open()
        await until(lambda: app.recognize.batch.rowCount() == 1)
        assert app.window.page_name == "recognize"

    in_window(body)


def test_a_model_from_elsewhere_is_offered_for_import(in_window, model_file: Path):
    async def body(app: App) -> None:
        app.open()
        app.opening.add([model_file])
        await until(lambda: app.window.findChildren(ImportDialog))
        dialog = app.window.findChildren(ImportDialog)[0]
        assert (app.window.page_name, dialog.paths) == ("models", (model_file,))
        assert "Add “given.gguf” to your models?" in dialog.accessibleName() + dialog.windowTitle()
        dialog.reject()

    in_window(body)


def test_a_model_that_the_library_has_is_shown_there_whatever_the_list_was_narrowed_to(
    in_window, tmp_path: Path, model_file: Path
):
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    shutil.copy(model_file, home / "models" / "mine.gguf")
    (tmp_path / "link").symlink_to(home / "models")

    async def body(app: App) -> None:
        app.open()
        app.window.open_page("models")
        board = app._models_page.board
        board.installed.bar.search.setText("no such model")
        app.opening.add([tmp_path / "link" / "mine.gguf"])
        await until(lambda: board.chosen is not None and board.chosen.path.name == "mine.gguf")
        assert app.window.findChildren(ImportDialog) == []
        assert board.installed.bar.search.text() == ""

    in_window(body, home)


def test_files_of_several_starts_are_opened_together(in_window, tmp_path: Path, model_file: Path):
    others = [shutil.copy(model_file, tmp_path / name) for name in ("b.gguf", "c.gguf")]

    async def body(app: App) -> None:
        app.open()
        for path in (model_file, *map(Path, others)):  # a desktop starts a program once per file
            app.opening.take(Handover(names=(os.fsencode(path),)))
        await until(lambda: app.window.findChildren(ImportDialog))
        await asyncio.sleep(0.3)
        (dialog,) = app.window.findChildren(ImportDialog)
        assert len(dialog.paths) == 3
        dialog.reject()

    in_window(body)


def test_a_plugin_is_installed_and_asks_for_consent(in_window, tmp_path: Path):
    folder = write_scaffold("word-count", OfferKind.TASK, tmp_path)

    async def body(app: App) -> None:
        app.open()
        app.opening.add([folder])
        await until(lambda: app._plugins_page.findChildren(ConsentDialog))
        (dialog,) = app._plugins_page.findChildren(ConsentDialog)
        assert (app.window.page_name, dialog.plugin) == ("plugins", "word-count")
        dialog.reject()

    in_window(body)


def test_what_cannot_be_opened_is_said_above_the_page_and_the_rest_is_opened(in_window, tmp_path, picture: Path):
    (tmp_path / "letter.docx").touch()

    async def body(app: App) -> None:
        app.open()
        app.opening.add([tmp_path / "letter.docx", picture, tmp_path / "gone.gguf"])
        await until(lambda: not app.window.banner.isHidden())
        await until(lambda: app.recognize.batch.rowCount() == 1)
        said = app.window.banner.accessibleName() + app.window.banner.accessibleDescription()
        assert "letter.docx" in said
        assert "gone.gguf" in said

    in_window(body)


def test_a_minimised_window_comes_back_and_a_large_one_stays_large(in_window, monkeypatch: pytest.MonkeyPatch):
    async def body(app: App) -> None:
        app.window.showMaximized()
        app.window.showMinimized()
        await until(app.window.isMinimized)
        bring_forward(app.window, "token")
        await until(lambda: not app.window.isMinimized() and app.window.isVisible())
        assert app.window.isMaximized()
        assert "XDG_ACTIVATION_TOKEN" not in os.environ, "children would inherit it"

    in_window(body)


def test_a_whole_window_takes_the_file_of_a_second_start(qapp, tmp_path: Path, model_file: Path):
    sheet = qapp.styleSheet()
    seen: list[object] = []
    place = enter(tmp_path, Handover())

    async def body() -> None:
        window = asyncio.get_running_loop().create_task(
            run_app(qapp, Options(config=EngineConfig(home=tmp_path), place=place))
        )
        command = [sys.executable, "-m", "app", "--home", str(tmp_path), model_file.name]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        second = await asyncio.to_thread(
            subprocess.run, command, cwd=model_file.parent, env=env, capture_output=True, timeout=30
        )
        assert (second.returncode, second.stdout, second.stderr) == (0, b"", b"")
        async with asyncio.timeout(TIMEOUT_S):
            await until(lambda: any(isinstance(widget, ImportDialog) for widget in qapp.allWidgets()))
        seen.extend(widget.paths for widget in qapp.allWidgets() if isinstance(widget, ImportDialog))
        window.cancel()
        await asyncio.wait([window])

    with collecting_on_this_thread(), asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
        runner.run(body())
    place.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    qapp.setStyleSheet(sheet)
    assert seen == [(model_file,)]


def test_files_that_a_mac_sends_are_kept_until_the_window_takes_them():
    # A process of its own, since there is one application per process.
    program = """
import sys
from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QFileOpenEvent
from app.application import Application
qt = Application(["hearth"])
def send(url):
    QCoreApplication.postEvent(qt, QFileOpenEvent(QUrl(url)))
    QCoreApplication.processEvents()
send("file:///early%20one.gguf")
qt.take_files(lambda path: print(path.as_posix(), flush=True))
send("file:///late.png")
send("hearth:nothing")
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "/early one.gguf\n/late.png\n")
