"""Opening: what becomes of files that Hearth was started with, or was handed while it runs."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from PySide6.QtCore import QObject, QTimer

from app.application import Application
from app.foreground import bring_forward
from app.given_files import sort_out
from app.one_window import Handover, OnlyWindow
from app.shell import MainWindow
from app.tasks import Tasks

log = logging.getLogger(__name__)

_QUIET_MS: Final = 150
"""Desktops start a program once per file; files that come this close together are opened together."""


class Destinations(Protocol):
    """Where files go to; each method opens its page."""

    def open_pictures(self, paths: tuple[Path, ...]) -> None:
        """Look at pictures."""

    def open_models(self, paths: tuple[Path, ...]) -> None:
        """Show models that are here, and offer to import the others."""

    def open_plugins(self, paths: tuple[Path, ...]) -> None:
        """Install plugins; each then asks for consent."""


class Opening(QObject):
    """Takes files from the command line, from a second start and from the system, and brings them to their pages.

    They wait until `begin`, so that nothing is lost while the engine starts, or does not.

    Thread: UI only.
    """

    def __init__(self, window: MainWindow, tasks: Tasks, to: Destinations) -> None:
        super().__init__(window)
        self._window = window
        self._tasks = tasks
        self._to = to
        self._waiting: list[Path] = []
        self._has_begun = False
        self._place: OnlyWindow | None = None
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._quiet.timeout.connect(self._open_waiting)

    def begin(self) -> None:
        """Open what waits, and all that comes from now on: the engine is open. Safe to call twice."""
        self._has_begun = True
        self._open_waiting()

    def listen(self, qt: object, place: OnlyWindow | None) -> None:
        """Take what later starts hand over, and what the system wants to be opened.

        Args:
            qt: the application.
            place: of this window; None where it need not be the only one.
        """
        if isinstance(qt, Application):
            qt.take_files(self._on_system_file)
        if place is not None:
            self._place = place
            place.attach(asyncio.get_running_loop(), self.take)

    def take(self, handover: Handover) -> None:
        """Come forward, and open what a later start was given."""
        log.info("Hearth was started again; its window comes forward")
        bring_forward(self._window, handover.token)
        self.add(handover.files)

    def add(self, paths: Iterable[Path]) -> None:
        """Open files in a moment, together with those that come right behind them."""
        self._waiting += paths
        if self._waiting:
            self._quiet.start()

    def close(self) -> None:
        """Take nothing more. Safe to call twice."""
        self._has_begun = False
        self._quiet.stop()
        if self._place is not None:
            self._place.leave()

    def _on_system_file(self, path: Path) -> None:
        bring_forward(self._window)
        self.add((path,))

    def _open_waiting(self) -> None:
        if self._has_begun and self._waiting:
            paths, self._waiting = tuple(self._waiting), []
            self._tasks.start(self._open(paths), name="open files")

    async def _open(self, paths: tuple[Path, ...]) -> None:
        files = await asyncio.to_thread(sort_out, paths)
        for found, use in (
            (files.pictures, self._to.open_pictures),
            (files.plugins, self._to.open_plugins),
            (files.models, self._to.open_models),
        ):
            if found:
                use(found)
        refusal = files.refusal()
        if refusal is not None:
            self._window.report("warn", *refusal)
