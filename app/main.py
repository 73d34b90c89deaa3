"""The composition root: loop, settings, appearance, engine, controllers, window, and one way out.

Order of a start: the window is built and painted first, from what costs little; only then the engine's threads are
started and the pages told. Neither llama.cpp nor ONNX Runtime is imported before a model is loaded.

Order of an end: the window asks (`close_requested`), or a signal does; either way `run_app` goes through its `finally`
block: running coroutines are cancelled and awaited, the engine is closed, the settings are saved, the window goes.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication

from app.application import keep_qt_settings_in, run_qt
from app.chat import ChatController, ChatPage
from app.commands import Commands
from app.hardware import HardwareController, HardwarePage
from app.library_watch import LibraryWatch
from app.logs import logging_to
from app.markdown.render import warm_up
from app.models import ModelsControllers, ModelsPage
from app.one_window import OnlyWindow
from app.opening import Opening
from app.plugin_watch import PluginWatch
from app.plugins import PluginNotice, PluginsController, PluginsPage
from app.preferences import PreferencesController, PreferencesPage
from app.preferences.engine_file import write_settings
from app.queue import QueueController, QueuePage
from app.recognize import RecognizeController, RecognizePage
from app.recovery import RunMarker
from app.settings import AppSettings
from app.shell import PALETTE_KEYS, CommandPalette, MainWindow, PageEntry
from app.task_runs import TaskRunsController, TasksPage
from app.tasks import Tasks
from app.theme import Appearance, palette_for, stylesheet_for
from app.upkeep import Start, Upkeep
from engine import Engine, EngineConfig, EngineError
from engine.build import build_info
from engine.portable import is_portable

log = logging.getLogger(__name__)

_SNAPSHOT_MS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says.

    Attributes:
        config: for the engine.
        theme: one of the schemes, or `system`; None takes the remembered one.
        files: to be opened: models, pictures, plugins.
        place: of the only window of its data folder; None where others do not matter.
        marker: that tells of a crash; None where that does not matter.
        is_safe: leave strangers' plugins out, let jobs wait, and begin with the usual window.
        is_development: run an allowed plugin anew when its files change.
        settings_file: that the engine's settings come from and go to; None is the usual one in the data folder.
    """

    config: EngineConfig
    theme: str | None = None
    files: tuple[Path, ...] = ()
    place: OnlyWindow | None = None
    marker: RunMarker | None = None
    is_safe: bool = False
    is_development: bool = False
    settings_file: Path | None = None


class App:
    """Everything that lives as long as the window. Built closed; `open` starts the engine, `close` ends everything.

    Attributes:
        window: the only window.
        recognize: the controller of Recognize.
        chat: the controller of Chat.
        runs: the controller of Tasks.
        models: the controllers of Models.
        hardware: the controller of Hardware.
        queue: the controller of Queue.
        plugins: the controller of Plugins.
        preferences: the controller of Settings.
        palette: the search over all commands.
        upkeep: what concerns Hearth itself.
        opening: takes files from outside.
    """

    def __init__(self, qt: QApplication, options: Options, settings: AppSettings, engine: Engine) -> None:
        self._settings_path = options.config.home / "window.toml"
        self._kept = settings
        self._is_safe = options.is_safe
        settings = self._settings = settings.for_safe_mode if options.is_safe else settings
        self._engine = engine
        self._tasks = Tasks(self._on_error)
        self._given_theme = options.theme  # for this time only; what is chosen in the window is remembered
        self.appearance = Appearance(options.theme or settings.theme)
        self._icon_dir = options.config.cache_dir / "icons"
        self._qt = qt
        self._dress()
        self.appearance.changed.connect(self._dress)
        self.chat = ChatController(engine, self._tasks)
        self.recognize = RecognizeController(engine, self._tasks, settings.vision_model)
        self.runs = TaskRunsController(engine, self._tasks)
        self.hardware = HardwareController(engine, self._tasks, lambda: self.runs.models)
        self.queue = QueueController(engine)
        self.plugins = PluginsController(engine.plugins, self._tasks, lambda: self.runs.models)
        settings_file = options.settings_file or options.config.home / "engine.toml"
        self.preferences = PreferencesController(engine, self._tasks, settings_file)
        self.models = ModelsControllers(engine, self._tasks, partial(write_settings, settings_file), self._uses_of)
        ending = options.marker.ending if options.marker is not None else None
        started = Start(config=options.config, settings_file=settings_file, theme=options.theme, ending=ending)
        self.upkeep = Upkeep(self.appearance, engine, self._tasks, settings, started, self._remember)
        self._watch, self._library = PluginWatch(engine), LibraryWatch(engine, self._tasks)
        for look_again in (self.chat.look_for_models, self.recognize.find_models, self.runs.refresh):
            self._watch.changed.connect(look_again)
            self._library.changed.connect(look_again)
        self.chat.choices.changed.connect(self._prefer_model)
        self.window, self.palette = self._make_window()
        self.opening = Opening(self.window, self._tasks, self)
        self._notice = PluginNotice(self.window.notices, self.plugins, self.window)
        self.upkeep.open_over(self.window)
        self._restore()
        self.window.banner.pressed.connect(self.open)
        self._meter = QTimer(self.window)
        self._meter.setInterval(_SNAPSHOT_MS)
        self._meter.timeout.connect(self.show_snapshot)

    def _make_window(self) -> tuple[MainWindow, CommandPalette]:
        """Make the window with its pages, and the search over what they can do."""
        appearance = self.appearance
        chat, tasks = ChatPage(appearance, self.chat), TasksPage(appearance, self.runs)
        hardware, queue = HardwarePage(appearance, self.hardware), QueuePage(appearance, self.queue)
        preferences = PreferencesPage(appearance, self.preferences, self.upkeep.cards)
        models = ModelsPage(appearance, self.models)
        self._models_page, self._plugins_page = models, PluginsPage(appearance, self.plugins)
        pages = (
            PageEntry("chat", "Chat", "chat", chat),
            PageEntry("recognize", "Recognize", "recognize", RecognizePage(appearance, self.recognize)),
            PageEntry("tasks", "Tasks", "tasks", tasks),
            PageEntry("models", "Models", "models", models),
            PageEntry("hardware", "Hardware", "hardware", hardware),
            PageEntry("queue", "Queue", "queue", queue),
            PageEntry("plugins", "Plugins", "plugins", self._plugins_page),
            PageEntry("settings", "Settings", "settings", preferences, apart=True),
        )
        self._queue_at = [page.name for page in pages].index("queue")
        window = MainWindow(appearance, self._qt, pages)
        queue.page_wanted.connect(window.open_page)
        models.chat_wanted.connect(self._chat_with)
        models.recognize_wanted.connect(self._recognize_with)
        for wanted in (hardware.budget_wanted, chat.memory_wanted):
            wanted.connect(partial(window.open_page, "settings"))
        known = (chat, (tasks, self.runs), models, hardware, (queue, self.queue), preferences)
        palette = CommandPalette(
            appearance, Commands(window, appearance, *known, self._install_plugin, self.upkeep.commands), window
        )
        QShortcut(QKeySequence(PALETTE_KEYS), window, palette.toggle)
        return window, palette

    def open(self) -> None:
        """Start the engine and tell the pages; a failure is shown above the page, with a button to try again."""
        self.window.clear_report()
        try:
            self._engine.open()
        except (EngineError, OSError, RuntimeError) as error:
            log.exception("The engine did not start")
            cause, remedy = (error.cause, error.remedy) if isinstance(error, EngineError) else (str(error), "")
            self.window.report("bad", "The engine did not start.", f"{cause} {remedy}".strip(), "Try again")
            return
        warm_up()
        self._library.open()
        self._meter.start()
        self._watch.open()
        self.recognize.open()
        self.chat.open()
        self.runs.open()
        self.models.open(resumes_jobs=not self._is_safe)
        self.hardware.open()
        self.queue.open()
        self.plugins.open()
        self.preferences.open()
        self.upkeep.updates.open()
        self.opening.begin()

    async def close(self) -> None:
        """End the work in flight, then the engine, then remember the window. Safe to call twice."""
        self.opening.close()
        self._meter.stop()
        self._watch.close()  # plugins end with the engine; nobody is to look for models then
        self.plugins.close()
        self.upkeep.updates.close()
        self.models.close()
        self.hardware.close()
        self.queue.close()
        await self.preferences.close()
        await self.chat.close()
        await self._tasks.close()
        self.recognize.close()
        self.runs.close()
        await self._engine.close()
        self._remember()
        self.window.hide()

    def _dress(self) -> None:
        theme = self.appearance.theme
        self._qt.setPalette(palette_for(theme))
        self._qt.setFont(theme.font("body"))
        self._qt.setStyleSheet(stylesheet_for(theme, self._icon_dir))

    def show_snapshot(self) -> None:
        """Bring the status strip and the number that waits up to date, if somebody can see it."""
        if self.window.isVisible() and not self.window.isMinimized():
            snapshot = self._engine.snapshot()
            self.window.strip.show_snapshot(snapshot, self._engine.hardware())
            self.window.rail.set_badge(self._queue_at, snapshot.waiting)
            self._library.look()

    def open_pictures(self, paths: tuple[Path, ...]) -> None:
        """Look at pictures."""
        self.window.open_page("recognize")
        self.recognize.add_files(paths)

    def open_models(self, paths: tuple[Path, ...]) -> None:
        """Show models that are installed, and offer to import the others."""
        self.window.open_page("models")
        self._models_page.open_files(paths)

    def open_plugins(self, paths: tuple[Path, ...]) -> None:
        """Install plugins; each then asks for consent."""
        self.window.open_page("plugins")
        self.plugins.install(paths)

    def _install_plugin(self) -> None:
        self.window.open_page("plugins")
        self._plugins_page.choose_file(is_folder=False)

    def _chat_with(self, model: str) -> None:
        self.chat.choices.choose_model(model)
        self.window.open_page("chat")

    def _recognize_with(self, model: str) -> None:
        self.recognize.choose_model(model)
        self.window.open_page("recognize")

    def _uses_of(self, model: str) -> tuple[str, ...]:
        current = self.chat.choices.current
        chosen = (
            (current.id if current is not None else "", "Chosen in Chat"),
            (self.recognize.model_id, "Chosen in Recognize"),
        )
        return tuple(words for used, words in chosen if used == model)

    def _prefer_model(self) -> None:
        current = self.chat.choices.current
        self.runs.prefer(current.id if current is not None else "")

    def _on_error(self, error: Exception) -> None:
        log.error("A task failed", exc_info=error)
        cause, remedy = (error.cause, error.remedy) if isinstance(error, EngineError) else (str(error), "")
        self.window.report("bad", "Something in Hearth went wrong.", f"{cause} {remedy}".strip())

    def _restore(self) -> None:
        if self._settings.geometry:
            left, top, width, height = self._settings.geometry
            self.window.resize(width, height)
            self.window.move(left, top)
        self.window.show_named(self._settings.page)

    def _remember(self) -> None:
        place, kept = self.window.normalGeometry(), self._kept
        is_given = self.appearance.setting == self._given_theme
        kept = replace(kept, theme=kept.theme if is_given else self.appearance.setting, **self.upkeep.remembered())
        if not self._is_safe:  # the window of safe mode is not the usual one
            kept = replace(
                kept,
                vision_model=self.recognize.model_id or kept.vision_model,
                geometry=(place.left(), place.top(), place.width(), place.height()),
                page=self.window.page_name,
            )
        try:
            kept.save(self._settings_path)
        except OSError:
            log.exception("The settings could not be saved")


async def run_app(qt: QApplication, options: Options) -> None:
    """Run the window until it is closed, or until this coroutine is cancelled."""
    settings = AppSettings.load(options.config.home / "window.toml")
    config = replace(options.config, model_dirs=(*options.config.model_dirs, *map(Path, settings.model_dirs)))
    engine = Engine(config, is_safe=options.is_safe, is_development=options.is_development)
    app = App(qt, options, settings, engine)
    closing = asyncio.Event()
    app.window.close_requested.connect(closing.set)
    if options.marker is not None:
        qt.commitDataRequest.connect(options.marker.leave)  # the session ends, and this process with it
    app.window.painted.connect(app.open)
    commands = ExitStack()
    app.window.painted.connect(lambda: commands.enter_context(_reachable(engine, config)))
    app.window.show()
    app.window.focus_page()
    app.opening.add(options.files)
    app.opening.listen(qt, options.place)
    try:
        with _set_by_signals(closing):
            await closing.wait()
            if options.marker is not None:
                options.marker.leave()
    finally:
        commands.close()
        await app.close()
        app.window.deleteLater()


def _reachable(engine: Engine, config: EngineConfig) -> AbstractContextManager[object]:
    """Let `hearth queue` and `hearth ps` of a terminal reach this window's engine."""
    from engine.control.server import ControlServer  # after the first paint, which need not wait for it

    return ControlServer(engine, config.home, asyncio.get_running_loop(), "window")


@contextmanager
def _set_by_signals(event: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C, a request to terminate and the end of the terminal set the event; the second one ends all at once."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32":
        numbers.append(signal.SIGHUP)  # the terminal was closed
    before = {number: signal.getsignal(number) for number in numbers}

    def set_once(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        event.set()

    for number in before:
        signal.signal(number, set_once)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is set_once:
                signal.signal(number, handler)


def main(options: Options) -> int:
    """Open the window; return the exit code once it is closed.

    Raises:
        OSError: the data folder cannot be written.
    """
    home = options.config.home
    if is_portable(options.config.home):
        keep_qt_settings_in(options.config.cache_dir / "system")
    with logging_to(home / "logs"), RunMarker(home, build_info().version) as marker:
        run_qt(lambda qt: run_app(qt, replace(options, marker=marker)))
    return 0
