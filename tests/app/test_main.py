"""The composition root: a whole start, a whole end, and the command line."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.__main__ import engine_config, main, parse
from app.garbage import collecting_on_this_thread
from app.main import App, Options, run_app
from app.preferences import PreferencesPage
from app.settings import AppSettings
from engine import Engine, EngineConfig
from engine.errors import ConfigError
from engine.testing import FakeBackend

TIMEOUT_S = 20


@pytest.fixture
def qt(qapp: QApplication):
    """The application, with its looks put back afterwards."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)


def run(qt: QApplication, coro) -> None:
    async def limited() -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await coro
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with collecting_on_this_thread(), asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qt)) as runner:
        runner.run(limited())
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


async def until(is_true: Callable[[], object]) -> None:
    while not is_true():  # noqa: ASYNC110 - conditions come from Qt, not from events
        await asyncio.sleep(0.005)


def build(
    qt: QApplication,
    home: Path,
    settings: AppSettings | None = None,
    backend: FakeBackend | None = None,
    *,
    is_safe: bool = False,
) -> App:
    config = EngineConfig(home=home)
    backend = backend or FakeBackend()
    engine = Engine(config, backends={"gguf": backend, "onnx": backend}, is_safe=is_safe)
    return App(qt, Options(config=config, theme="light"), settings or AppSettings(), engine)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    path = tmp_path / "picture.png"
    assert image.save(str(path))
    return path


def test_a_start_finds_the_models_and_shows_the_numbers(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        app.open()
        await until(lambda: app.recognize.models and app.chat.choices.current)
        app.show_snapshot()
        assert "%" in app.window.strip.meters[0].value.text()
        await app.close()
        await app.close()
        assert not app.window.isVisible()

    run(qt, body())


def test_what_waits_is_counted_in_the_rail_and_in_the_strip_and_listed_on_its_page(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        app.open()
        await until(lambda: app.chat.choices.current)
        app.queue.set_paused(True)
        app.chat.send("Hello")
        await until(lambda: app._engine.snapshot().waiting)
        app.show_snapshot()
        badges = [button.badge for button in app.window.rail.buttons]
        assert badges[app._queue_at] == "1"
        assert [badge for badge in badges if badge] == ["1"]
        assert app.window.strip._queue.text() == "1 waiting"
        app.window.open_page("queue")
        assert [request.title for request in app.queue.waiting] == ["Hello"]
        app.queue.set_paused(False)
        await until(lambda: not app.chat.session.is_busy)
        app.show_snapshot()
        assert not any(button.badge for button in app.window.rail.buttons)
        await app.close()

    run(qt, body())


def test_limits_are_set_in_the_window_and_are_there_at_the_next_start(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        app.open()
        app.window.open_page("settings")
        board = app.window.findChild(PreferencesPage).board
        assert "64" in board.answers.memory.box.text()
        board.answers.memory.box.setValue(8)
        board.memory.mode.picked.emit("My own limit")
        board.memory.box.setValue(3)
        app.preferences.apply()
        await until(lambda: app._engine.limits().memory_budget_bytes == 3 << 30)
        assert app._engine.limits().cache_memory_bytes == 8 << 20
        await until(lambda: app._engine.hardware().memory_budget_bytes <= 3 << 30)
        await app.close()
        config = engine_config(tmp_path, [])
        assert (config.memory_budget_bytes, config.cache_memory_bytes) == (3 << 30, 8 << 20)

    run(qt, body())


def test_the_settings_page_stands_apart_in_the_rail(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        *others, settings = app.window.rail.buttons
        await until(lambda: settings.y() > 0)
        assert settings.text() == "Settings"
        assert settings.geometry().bottom() >= app.window.rail.height() - 16
        assert settings.y() > others[-1].geometry().bottom() + 40
        await app.close()

    run(qt, body())


def test_plugins_have_a_page_and_safe_mode_is_said_above_every_page(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path, is_safe=True)
        app.window.show()
        app.open()
        await until(lambda: app.plugins.plugins)
        assert "safe mode" in app.window.notice.message
        app.window.report("bad", "It broke.", "Repair it.")
        assert app.window.banner.isVisible()
        assert app.window.notice.isVisible()
        install = next(command for command in app.palette._offer() if command.title == "Install a plugin…")
        install.run()
        assert app.window.page_name == "plugins"
        await app.close()

    run(qt, body())


def test_closing_in_the_middle_of_an_answer_and_of_a_batch(qt, tmp_path, picture):
    async def body() -> None:
        app = build(qt, tmp_path, backend=FakeBackend(repeat=True, step_s=0.01))
        app.window.show()
        app.open()
        await until(lambda: app.recognize.models and app.chat.choices.current)
        app.chat.send("Hello")
        app.recognize.add_files([picture] * 40)
        await until(lambda: app.chat.session.is_busy and app.recognize.is_busy)
        await app.close()
        assert not app.chat.session.is_busy

    run(qt, body())


def test_an_engine_that_does_not_start_is_told_and_can_be_tried_again(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        opens, errors = app._engine.open, [ConfigError("There are no cores.", "Buy one.")]

        def open_or_fail() -> None:
            if errors:
                raise errors.pop()
            opens()

        app._engine.open = open_or_fail  # type: ignore[method-assign]
        app.window.show()
        app.open()
        assert "There are no cores. Buy one." in app.window.banner.message
        app.window.banner.pressed.emit()
        assert app.window.banner.message == ""
        await until(lambda: app.recognize.models)
        await app.close()

    run(qt, body())


def test_the_window_remembers_its_place_its_page_and_its_model(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.window.show()
        app.open()
        await until(lambda: app.recognize.models)
        app.window.show_named("recognize")
        app.window.resize(1100, 700)
        await app.close()
        settings = AppSettings.load(tmp_path / "window.toml")
        assert settings.page == "recognize"
        assert settings.geometry[2:] == (1100, 700)
        assert settings.vision_model == app.recognize.model_id
        again = build(qt, tmp_path, settings)
        assert again.window.page_name == "recognize"
        assert again.window.width() == 1100
        await again.close()

    run(qt, body())


def test_settings_that_cannot_be_saved_do_not_stop_the_end(qt, tmp_path, caplog):
    async def body() -> None:
        app = build(qt, tmp_path)
        (tmp_path / "window.toml").mkdir()
        await app.close()

    run(qt, body())
    assert "could not be saved" in caplog.text


def test_a_change_of_scheme_dresses_the_application(qt, tmp_path):
    async def body() -> None:
        app = build(qt, tmp_path)
        app.appearance.choose("dark")
        assert qt.palette().window().color() == app.appearance.theme.color("window")
        assert app.appearance.theme.color("accent").name() in qt.styleSheet()
        await app.close()

    run(qt, body())


def test_run_app_opens_the_files_and_ends_when_the_window_is_closed(qt, tmp_path, picture):
    async def body() -> None:
        options = Options(config=EngineConfig(home=tmp_path), theme="light", files=(picture,))
        running = asyncio.create_task(run_app(qt, options))
        window = None
        while window is None:
            await asyncio.sleep(0.005)
            windows = [w for w in qt.topLevelWidgets() if w.isVisible() and w.windowTitle().startswith("Recognize")]
            window = windows[0] if windows else None
        window.close()
        await running

    run(qt, body())


# -------------------------------------------------------------------------------------------------------- in a process


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments], env=env, capture_output=True, text=True, check=False, timeout=60
    )


def test_wrong_use_is_told_with_code_2():
    result = start("--theme", "sepia")
    assert result.returncode == 2
    assert "sepia" in result.stderr


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    result = start("--home", str(tmp_path / "file"))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("hearth: ")


def test_the_arguments_are_understood():
    said = parse(["--home", "/h", "--model-dir", "/a", "--model-dir", "/b", "--theme", "dark", "one.png"])
    assert (said.home, said.model_dir, said.theme) == (Path("/h"), [Path("/a"), Path("/b")], "dark")
    assert (said.files, said.window) == (["one.png"], False)
    assert (said.safe, said.dev_plugins) == (False, False)
    said = parse(["--window", "--safe", "--dev-plugins"])
    assert (said.safe, said.dev_plugins) == (True, True)


def test_a_wrong_folder_for_screenshots_is_one_sentence(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["--screenshot-dir", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("hearth: ")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind do not exist there")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_closes_the_window_in_order(tmp_path, name: str):
    # The signal is sent from inside, once the window has been painted and the engine is open: no sleeping, no racing.
    program = f"""
import os, signal, sys
import app.main as m
opened = m.App.open
def open_then_signal(self):
    opened(self)
    os.kill(os.getpid(), signal.{name})
m.App.open = open_then_signal
from app.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(["--home", {str(tmp_path)!r}]))
"""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "window.toml").exists()
    assert "ERROR" not in (tmp_path / "logs" / "hearth.log").read_text(encoding="utf-8")


def test_the_window_is_painted_before_any_inference_library_is_imported(tmp_path):
    program = f"""
import sys
import app.main as m
def look(self):
    print([name for name in ("llama_cpp", "onnxruntime", "tokenizers") if name in sys.modules])
    self.window.close()
m.App.open = look
from app.__main__ import main
sys.exit(main(["--home", {str(tmp_path)!r}]))
"""
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    result = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")
