"""`python -m app.screenshots --out DIR`: draw every page in every state and scheme, with the bundled models.

It drives the real window off the screen; nothing is staged but the pictures, which are painted here, the numbers of a
model that is larger than its memory, which would have to be downloaded, a crash and a new version.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QCursor, QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication, QDialog, QListView, QWidget

from app.application import run_qt
from app.hardware import HardwarePage
from app.main import App, Options
from app.preferences import PreferencesPage
from app.queue import QueuePage
from app.sample_plugin import PLUGIN_ID, write_sample_plugin
from app.screenshots_models import shoot_models
from app.screenshots_upkeep import shoot_upkeep
from app.settings import AppSettings
from app.task_runs import TasksPage
from app.theme.widgets import Banner
from engine import Engine, EngineConfig, InputFile, LoadedModelInfo, ModelInfo, PagingInfo
from resources import models_dir

SCHEMES = ("light", "dark")
ALL_SCHEMES = (*SCHEMES, "high-contrast", "high-contrast-light")

_QUESTION = "How do I read a file line by line in Python?"
_LINES = (
    ("Slow Cooking", "forty winter recipes"),
    ("Platform 9", "Departure 17:42"),
    ("Invoice 2048", "Total 119.50"),
    ("OPEN", "Monday to Friday"),
)
_MINUTES = (
    "The garden club met on Tuesday. The apple trees are to be cut in March. Anna buys two ladders and Ben asks the "
    "school for help. The shed needs a new roof before winter; it may cost four hundred at most. Next time: the pond."
)
_LIMIT_S = 120


class Photographer:
    """Takes pictures of one window.

    Attributes:
        taken: the files, in the order they were written.
    """

    def __init__(self, app: App, folder: Path) -> None:
        self._app = app
        self._folder = folder
        self.taken: list[Path] = []

    async def take(self, name: str, schemes: Sequence[str] = SCHEMES, over: QWidget | None = None) -> None:
        """Write `name-scheme.png` for each scheme.

        Args:
            name: of the files.
            schemes: which ones.
            over: a dialog that is open over the window.
        """
        for scheme in schemes:
            self._app.appearance.choose(scheme)
            await asyncio.sleep(0.05)  # lets layouts and posted repaints settle
            path = self._folder / f"{name}-{scheme}.png"
            picture = self._app.window.grab()
            if over is not None:
                painter = QPainter(picture)
                corner = self._app.window.rect().center() - over.rect().center()
                if over is self._app.palette:
                    corner = over.pos() - self._app.window.pos()
                painter.drawPixmap(corner, over.grab())
                painter.end()
            if not picture.save(str(path)):
                raise OSError(f"{path} cannot be written")
            self.taken.append(path)


async def until(is_true: Callable[[], bool]) -> None:
    """Wait until something has happened in the window.

    Raises:
        TimeoutError: it did not happen within two minutes.
    """
    async with asyncio.timeout(_LIMIT_S):
        while not is_true():  # noqa: ASYNC110 - the conditions are many signals' doing; this is no hot loop
            await asyncio.sleep(0.02)


async def shoot(qt: QApplication, folder: Path, config: EngineConfig) -> list[Path]:
    """Open the window, bring it into every state, and draw it."""
    moved = _models_that_will_vanish(config)
    app = App(qt, Options(config=config, theme="light"), AppSettings(), Engine(config))
    camera = Photographer(app, folder)
    QCursor.setPos(QPoint(700, 28))  # nothing is under the pointer there
    try:
        app.window.show()
        app.open()
        await until(lambda: bool(app.recognize.models) and app.chat.choices.current is not None)
        await _shoot_chat(app, camera, moved[0])
        await _shoot_recognize(app, camera, config.home, moved[1])
        await _shoot_tasks(app, camera)
        await shoot_models(app, camera, config.home, until, ALL_SCHEMES)
        await _shoot_hardware(app, camera)
        await _shoot_queue(app, camera, config.home)
        await _shoot_plugins(app, camera, config.home)
        await _shoot_settings(app, camera)
        await shoot_upkeep(app, camera, config.home, ALL_SCHEMES)
        app.window.report("bad", "The engine did not start.", "The disk is full. Free some space.", "Try again")
        await camera.take("start-failed")
    finally:
        await app.close()
    return camera.taken


def _models_that_will_vanish(config: EngineConfig) -> tuple[Path, Path]:
    """Copies of the bundled models, for pictures of what happens when a file is gone."""
    folder = config.home / "models"
    folder.mkdir()
    starter, reader = models_dir() / "starter.gguf", models_dir() / "reader.onnx"
    shutil.copy(reader.with_suffix(".json"), folder / "moved-reader.json")
    return Path(shutil.copy(starter, folder / "moved-starter.gguf")), Path(
        shutil.copy(reader, folder / "moved-reader.onnx")
    )


async def _shoot_chat(app: App, camera: Photographer, missing: Path) -> None:
    app.window.show_named("chat")
    await camera.take("chat-empty")
    app.chat.send(_QUESTION)
    await until(lambda: app.chat.session.last is not None and not app.chat.session.is_busy)
    app.show_snapshot()
    await camera.take("chat", ALL_SCHEMES)
    app.chat.choices.choose_preset("Precise")  # greedy, so that its answers are kept
    for _ in range(2):
        app.chat.new_chat()
        app.chat.send(_QUESTION)
        await until(lambda: app.chat.session.last is not None and not app.chat.session.is_busy)
    await camera.take("chat-cached", ALL_SCHEMES)
    app.chat.choices.choose_preset("Default")
    app.chat.choices.choose_model(missing.stem)
    _lose(missing)
    app.chat.send("Are you still there?")
    await until(lambda: not app.chat.session.is_busy)
    await camera.take("chat-error")


async def _shoot_recognize(app: App, camera: Photographer, folder: Path, missing: Path) -> None:
    app.window.show_named("recognize")
    await camera.take("recognize-empty")
    pictures = [*_paint_pictures(folder), _broken_picture(folder)]
    app.recognize.add_files(pictures)
    await until(lambda: app.recognize.progress == (len(pictures), len(pictures)))
    app.show_snapshot()
    await camera.take("recognize", ALL_SCHEMES)
    _tiles(app).setCurrentIndex(app.recognize.batch.index(len(pictures) - 1, 0))
    await camera.take("recognize-not-a-picture")
    _tiles(app).setCurrentIndex(app.recognize.batch.index(0, 0))
    _lose(missing)
    app.recognize.choose_model(missing.stem)
    await until(lambda: not app.recognize.is_busy)
    await camera.take("recognize-error")


async def _shoot_tasks(app: App, camera: Photographer) -> None:
    page = app.window.findChild(TasksPage)
    assert page is not None
    app.window.show_named("tasks")
    page.show_task("compare")
    page.form_pane.run()  # nothing is filled in: the form says so
    await camera.take("tasks-missing")
    page.show_task("summarize")
    page.form_pane.fill({"file": InputFile("minutes.txt", _MINUTES.encode()), "model": "starter"})
    page.form_pane.run()
    await until(lambda: not app.runs.runs[0].is_running and page.run_pane.is_settled)
    app.show_snapshot()
    await camera.take("tasks", ALL_SCHEMES)
    app.palette.toggle()
    app.palette.edit.setText("s")
    await camera.take("palette", ALL_SCHEMES, over=app.palette)
    app.palette.toggle()


async def _shoot_hardware(app: App, camera: Photographer) -> None:
    page = app.window.findChild(HardwarePage)
    assert page is not None
    app.window.show_named("hardware")
    await until(lambda: page.board is not None and page.board.is_complete and bool(page.board.cards))
    app.show_snapshot()
    await camera.take("hardware-not-measured")
    page.measure()
    await until(lambda: app.hardware.progress[0] > 0 or not app.hardware.is_measuring)
    await camera.take("hardware-measuring")
    await until(lambda: not app.hardware.is_measuring)
    app.show_snapshot()
    await camera.take("hardware", ALL_SCHEMES)
    dialog = page.show_placements("starter")
    await until(lambda: bool(dialog.table.buttons))
    await camera.take("hardware-placement", ALL_SCHEMES, over=dialog)
    dialog.accept()
    app.hardware.watch(False)  # else the next look would show what is really loaded
    app.hardware._loaded = (_paged_model(),)  # noqa: SLF001 - staged: see above
    app.hardware.ticked.emit(False)
    await camera.take("hardware-paged")
    app.hardware.watch(True)


def _paged_model() -> LoadedModelInfo:
    """One of 14 B in the memory of a laptop."""
    name, size_bytes = "qwen2.5-14b", 9_000_000_000
    path = Path(f"{name}.gguf")
    info = ModelInfo(id=name, path=path, format="gguf", name=name, architecture="qwen2", size_bytes=size_bytes)
    paging = PagingInfo(
        pinned_bytes=6_100_000_000,
        streamed_bytes=2_900_000_000,
        buffer_bytes=300_000_000,
        bytes_per_token=2.9e9,
        disk_share=0.58,
        tokens_per_s=0.9,
        predicted_tokens_per_s=1.0,
    )
    return LoadedModelInfo(info=info, device="cpu", memory_bytes=6_900_000_000, running=1, idle_s=0.0, paging=paging)


async def _shoot_queue(app: App, camera: Photographer, folder: Path) -> None:
    page = app.window.findChild(QueuePage)
    assert page is not None
    app.chat.choices.choose_model("starter")
    app.recognize.choose_model("reader")
    await until(lambda: not app.recognize.is_busy)
    app.window.show_named("queue")
    await camera.take("queue-empty")
    page.set_paused(True)
    for question in (_QUESTION, "Tell a story about a lighthouse keeper.", "Write a letter to the landlord."):
        app.chat.new_chat()
        app.chat.send(question)
    app.recognize.add_files(_paint_pictures(folder, hue=140))  # others than before, whose results are kept
    await until(lambda: len(app.queue.waiting) >= len(_LINES))
    app.show_snapshot()
    await camera.take("queue", ALL_SCHEMES)
    page.set_paused(False)
    await until(lambda: not app.queue.running and not app.queue.waiting)
    app.show_snapshot()
    await camera.take("queue-ran")
    page.show_finished()
    await camera.take("queue-finished")
    page.show_finished(False)


async def _shoot_plugins(app: App, camera: Photographer, folder: Path) -> None:
    app.window.show_named("plugins")
    await camera.take("plugins-empty")
    app.plugins.install([write_sample_plugin(folder / "sample")])
    await until(lambda: _open_dialog(app) is not None)
    await camera.take("plugins-consent", ALL_SCHEMES, over=_open_dialog(app))
    dialog = _open_dialog(app)
    assert dialog is not None
    dialog.accept()
    await until(lambda: any(info.id == PLUGIN_ID and info.samples for info in app.plugins.plugins))
    app.show_snapshot()
    await camera.take("plugins", ALL_SCHEMES)
    broken = folder / "broken.zip"
    broken.write_text("this is not a zip", encoding="utf-8")
    app.plugins.install([broken])
    await until(lambda: any(banner.isVisible() for banner in app.window.stack.findChildren(Banner)))
    await camera.take("plugins-refused")


async def _shoot_settings(app: App, camera: Photographer) -> None:
    page = app.window.findChild(PreferencesPage)
    assert page is not None
    app.window.open_page("settings")
    await until(lambda: app.preferences.look is not None)
    app.show_snapshot()
    await camera.take("settings", ALL_SCHEMES)
    dialog = page.ask_to_delete_answers()
    await camera.take("settings-delete", over=dialog)
    dialog.reject()


def _open_dialog(app: App) -> QDialog | None:
    return next((dialog for dialog in app.window.findChildren(QDialog) if dialog.isVisible()), None)


def _lose(path: Path) -> None:
    path.unlink()


def _tiles(app: App) -> QListView:
    view = app.window.findChild(QListView, "tiles")
    assert view is not None
    return view


def _paint_pictures(folder: Path, hue: int = 20) -> list[Path]:
    folder = folder / f"pictures-{hue}"
    folder.mkdir()
    paths = []
    for row, (title, subtitle) in enumerate(_LINES):
        path = folder / f"{title.lower().replace(' ', '-')}.png"
        _paint_picture(title, subtitle, QColor.fromHsl((hue + row * 77) % 360, 90, 225)).save(str(path))
        paths.append(path)
    return paths


def _paint_picture(title: str, subtitle: str, ground: QColor) -> QImage:
    """A sign: two lines of dark text on a light board."""
    image = QImage(960, 640, QImage.Format.Format_RGB32)
    image.fill(ground)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(QRectF(90, 120, 780, 400), QColor("white"))
    painter.setPen(QColor("black"))
    for text, top, pixels in ((title, 190, 96), (subtitle, 350, 60)):
        font = QFont("DejaVu Sans")
        font.setPixelSize(pixels)
        painter.setFont(font)
        painter.drawText(QRectF(140, top, 700, pixels * 1.4), Qt.AlignmentFlag.AlignVCenter, text)
    painter.end()
    return image


def _broken_picture(folder: Path) -> Path:
    path = folder / "scan.tmp"
    path.write_bytes(b"this is not a picture")
    return path


def take_screenshots(folder: Path, config: EngineConfig) -> list[Path]:
    """Draw everything into a folder, from a fresh home.

    Args:
        folder: made if missing; older pictures of the same names are replaced.
        config: the folders with models count; its home is left alone.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []

    async def run(qt: QApplication) -> None:
        taken.extend(await shoot(qt, folder, replace(config, home=Path(home))))

    with tempfile.TemporaryDirectory(prefix="hearth-screenshots-") as home:
        run_qt(run)
    return taken


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw everything; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.screenshots", description="Draw every page of Hearth.")
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="folder for the pictures")
    said = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for path in take_screenshots(said.out, EngineConfig(used_in_place=())):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
