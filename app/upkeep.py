"""Upkeep: what concerns Hearth itself and not what it does: how it ended, which version it is, and newer ones.

Put together here, since the folders behind it know neither each other nor the pages.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.about import AboutCard, AboutDialog
from app.recovery import CrashNotice, Ending, safe_command, start_at_exit
from app.settings import AppSettings
from app.shell import Command, MainWindow
from app.tasks import Tasks
from app.theme import Appearance
from app.updates import Memory, UpdateDialog, UpdateNote, UpdatesCard, UpdatesController
from engine import Engine, EngineConfig, EngineError
from engine.build import build_info
from engine.config import default_home

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How this Hearth was started, as far as it matters for starting it again.

    Attributes:
        config: of the engine.
        settings_file: of the engine.
        theme: that the command line named; None for none.
        ending: how it ended the last time; None if that was wanted.
    """

    config: EngineConfig
    settings_file: Path
    theme: str | None = None
    ending: Ending | None = None


class Upkeep(QObject):
    """Looks after Hearth itself.

    Attributes:
        updates: looks for new versions.
        crash: what is offered after a crash; None before `open_over`.

    Thread: UI only.
    """

    def __init__(
        self,
        appearance: Appearance,
        engine: Engine,
        tasks: Tasks,
        settings: AppSettings,
        start: Start,
        keep: Callable[[], None],
    ) -> None:
        """Say and ask nothing yet.

        Args:
            appearance: for cards and dialogs.
            engine: asks for new versions.
            tasks: where coroutines are started.
            settings: what the window remembers.
            start: how this Hearth was started.
            keep: writes what the window remembers.
        """
        super().__init__()
        self._appearance = appearance
        self._tasks = tasks
        self._start = start
        self._home = start.config.home
        self._window: MainWindow | None = None
        self.crash: CrashNotice | None = None
        memory = Memory(
            is_on=settings.looks_for_updates,
            looked_at=settings.looked_for_updates_at,
            told=settings.told_version,
            skipped=settings.skipped_version,
        )
        self.updates = UpdatesController(engine, tasks, build_info().version, memory, self)
        self.updates.kept.connect(keep)

    def open_over(self, window: MainWindow) -> None:
        """Speak in this window, first of a crash."""
        self._window = window
        self.crash = CrashNotice(
            self._appearance, self._tasks, self._home, self._start.ending, self.start_safely, window
        )
        self.crash.show(window.notices)
        self._note = UpdateNote(window.notices, self.updates, self.show_update, window)

    def remembered(self) -> dict[str, Any]:
        """Settings of the window, by name."""
        memory = self.updates.memory
        return {
            "looks_for_updates": memory.is_on,
            "looked_for_updates_at": memory.looked_at,
            "told_version": memory.told,
            "skipped_version": memory.skipped,
        }

    def cards(self, parent: QWidget) -> tuple[QWidget, QWidget]:
        """The cards for Settings."""
        updates = UpdatesCard(self._appearance, self.updates, parent)
        updates.more_pressed.connect(self.show_update)
        about = AboutCard(self._appearance, build_info(), parent)
        about.about_pressed.connect(self.show_about)
        about.log_pressed.connect(self.show_log)
        about.report_pressed.connect(self.save_report)
        return updates, about

    def commands(self) -> Iterator[Command]:
        """What the palette offers of it."""
        yield Command("About Hearth…", self.show_about, "info", "version, licences, folders")
        if self.updates.can_look:
            yield Command("Look for a new version", self._look_now, "download", "Hearth")
        yield Command("Show the log…", self.show_log, "text", "Hearth")
        yield Command("Save a report…", self.save_report, "file", "what happened, for whoever helps")

    def show_about(self) -> None:
        """Open the dialog about this Hearth."""
        if self._window is not None:
            AboutDialog(self._appearance, build_info(), self._home, self._window).open()

    def show_update(self) -> None:
        """Open the dialog about the version that was found."""
        if self._window is not None and self.updates.release is not None:
            dialog = UpdateDialog(self._appearance, self.updates.release, self._window)
            dialog.skip.clicked.connect(self.updates.skip)
            dialog.open()

    def show_log(self) -> None:
        """Open the logs."""
        if self.crash is not None:
            self.crash.show_log()

    def save_report(self) -> None:
        """Gather a report."""
        if self.crash is not None:
            self.crash.save_report()

    def start_safely(self) -> None:
        """End this Hearth, and start it in safe mode."""
        if self._window is not None:
            start_at_exit(self._command())
            self._window.close()

    def _command(self) -> list[str]:
        config, settings_file = self._start.config, self._start.settings_file
        try:
            lasting = EngineConfig.load(settings_file).model_dirs
        except EngineError as error:
            log.warning("%s", error)
            lasting = ()
        named = [folder for folder in config.model_dirs if folder not in lasting]
        is_usual = settings_file.parent == default_home()
        return safe_command(None if is_usual else settings_file.parent, named, self._start.theme)

    def _look_now(self) -> None:
        if self._window is not None:
            self._window.open_page("settings")
        self.updates.look_now()
