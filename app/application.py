"""Application: Qt's application, which also takes the files that a Mac hands to a program, and runs a coroutine."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import qasync
from PySide6.QtCore import QEvent, QSettings, QTimer
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from app.garbage import collecting_on_this_thread
from app.theme import app_icon

_SIGNAL_MS: Final = 250  # Python sees Ctrl-C only when it runs; without this that may take seconds


class Application(QApplication):
    """The application of the window.

    Thread: UI only.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__(list(arguments))
        self._early: list[Path] = []
        self._take: Callable[[Path], None] = self._early.append  # a Mac sends them before there is a window
        self.setApplicationName("Hearth")
        self.setDesktopFileName("hearth")
        self.setWindowIcon(app_icon())
        self.setStyle("Fusion")
        self.setQuitOnLastWindowClosed(False)

    def take_files(self, take: Callable[[Path], None]) -> None:
        """Call this with every file that the system wants to be opened, also with those that came before."""
        self._take = take
        early, self._early = self._early, []
        for path in early:
            take(path)

    def event(self, event: QEvent) -> bool:
        """Take files; only what is sent to the application itself comes here."""
        if event.type() == QEvent.Type.FileOpen:
            file = cast("QFileOpenEvent", event).file()
            if file:
                self._take(Path(file))
            return bool(file)
        return super().event(event)


def keep_qt_settings_in(folder: Path) -> None:
    """Let Qt's dialogs remember folders and columns here, not in the person's folder; Windows keeps its registry."""
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(folder))


def run_qt(main: Callable[[QApplication], Awaitable[None]]) -> None:
    """Run a coroutine on Qt's event loop; Ctrl-C cancels it where it does not look after that itself."""
    qt = Application(sys.argv[:1])
    ticker = QTimer()
    ticker.timeout.connect(lambda: None)
    ticker.start(_SIGNAL_MS)

    async def run() -> None:
        await main(qt)

    loop = asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qt))
    with collecting_on_this_thread(), loop as runner, suppress(KeyboardInterrupt):
        runner.run(run())
