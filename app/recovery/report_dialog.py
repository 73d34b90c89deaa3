"""ReportDialog: every file of a report can be read before the report is saved."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QStandardPaths, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.recovery.report import Part, report_name
from app.theme import Appearance
from app.theme.widgets import Reading, ReadingDialog

_GATHERING: Final = "Looking at this computer, as hearth doctor does. This takes some seconds."
_WHAT: Final = (
    "These files go into the report. Read them: nothing is sent anywhere, and whoever is to have the report is "
    "given it by you. Prompts, answers, names of pictures, tokens and the path of your folder are left out."
)


class ReportDialog(ReadingDialog):
    """Shows what a report holds, and asks where it goes.

    Signals:
        save_wanted: path of the zip, as a text.
    """

    save_wanted = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(appearance, "Save a report", _GATHERING, parent, "Save…")
        self.yes_button.setProperty("kind", "primary")
        self.yes_button.setEnabled(False)

    def show_parts(self, parts: Sequence[Part]) -> None:
        """Show what has been gathered."""
        self.say(_WHAT)
        self.show_texts([readable(part) for part in parts])
        self.yes_button.setEnabled(True)

    def accept(self) -> None:
        """Ask where the report goes; the dialog stays until it is saved."""
        if self.yes_button.isEnabled():
            self.choose_file()

    def choose_file(self) -> QFileDialog:
        """Open the system's dialog for a file; it does not block."""
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self, "Save the report", str(Path(folder) / report_name(time.time())), "Zip files (*.zip)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("zip")
        dialog.fileSelected.connect(self.save_wanted)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def show_saved(self, path: Path) -> None:
        """Say where it is."""
        self.say(f"The report is saved: {path}")

    def show_failure(self, cause: str) -> None:
        """Say why it could not be saved."""
        self.say(f"{cause} Choose another place.")


def readable(part: Part) -> Reading:
    """A file as it is listed."""
    size = part.size_bytes
    words = f"{size:,} bytes" if size < 1000 else f"{size / 1000:,.0f} kB"
    return Reading(name=part.name, text=part.text, size=words, at_end=part.name.endswith(".log"))
