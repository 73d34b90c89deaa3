"""CrashNotice: after a crash the next start says so, and what can be done; and the dialogs behind that."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.recovery.doctor import ask_doctor
from app.recovery.ending import Ending
from app.recovery.report import Part, log_parts, report_parts, write_report
from app.recovery.report_dialog import ReportDialog, readable
from app.tasks import Tasks
from app.theme import Appearance
from app.theme.widgets import Notice, Notices, Rank, ReadingDialog

log = logging.getLogger(__name__)

_REMEDY: Final = "Chats and settings are kept. If it happens again, start in safe mode."
_NO_LOG: Final = "Nothing has been logged yet."


class CrashNotice(QObject):
    """Says how Hearth ended the last time; shows logs and reports whenever they are wanted.

    Attributes:
        dialog: the dialog that was opened last; None before the first.

    Thread: UI only.
    """

    def __init__(
        self,
        appearance: Appearance,
        tasks: Tasks,
        data: Path,
        ending: Ending | None,
        start_safely: Callable[[], None],
        window: QWidget,
    ) -> None:
        """Say nothing yet.

        Args:
            appearance: for the dialogs.
            tasks: where coroutines are started.
            data: Hearth's data folder.
            ending: how it ended the last time; None if that was wanted.
            start_safely: ends Hearth and starts it in safe mode.
            window: over which dialogs open.
        """
        super().__init__(window)
        self._appearance = appearance
        self._tasks = tasks
        self._data = data
        self._ending = ending
        self._start_safely = start_safely
        self._window = window
        self.dialog: ReadingDialog | None = None

    def show(self, notices: Notices) -> None:
        """Tell of the crash, if there was one."""
        if self._ending is None:
            return
        log.warning("%s", self._ending.sentence)
        buttons = (
            ("Show the log…", self.show_log),
            ("Save a report…", self.save_report),
            ("Start in safe mode", self._start_safely),
        )
        notices.put(Rank.CRASH, Notice(kind="warn", cause=self._ending.sentence, remedy=_REMEDY, buttons=buttons))

    def show_log(self) -> ReadingDialog:
        """Open the logs; it does not block."""
        parts = log_parts(self._data)
        words = f"These files lie in {self._data / 'logs'}." if parts else _NO_LOG
        dialog = ReadingDialog(self._appearance, "Log", words, self._window)
        dialog.show_texts([readable(part) for part in parts])
        self.dialog = dialog
        dialog.open()
        return dialog

    def save_report(self) -> ReportDialog:
        """Gather a report, show it, and ask where it goes; it does not block."""
        dialog = ReportDialog(self._appearance, self._window)
        work = self._tasks.start(self._gather(dialog), name="report of a crash")
        dialog.finished.connect(lambda _: work.cancel())
        self.dialog = dialog
        dialog.open()
        return dialog

    async def _gather(self, dialog: ReportDialog) -> None:
        doctor = await ask_doctor(self._data)
        parts = await asyncio.to_thread(report_parts, self._data, self._ending, doctor)
        dialog.show_parts(parts)
        saved: asyncio.Queue[str] = asyncio.Queue()
        dialog.save_wanted.connect(saved.put_nowait)
        while True:
            await self._save(dialog, Path(await saved.get()), parts)

    async def _save(self, dialog: ReportDialog, path: Path, parts: tuple[Part, ...]) -> None:
        try:
            await asyncio.to_thread(write_report, path, parts)
        except OSError as error:
            dialog.show_failure(f"The report cannot be written: {error.strerror or error}.")
        else:
            dialog.show_saved(path)
