"""AboutDialog: the facts about this Hearth, its licences, and the way to its folders."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QWidget

from app.about.details import as_text, details, notices
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, Reading, ReadingDialog
from app.theme.widgets.labels import text_label
from engine.build import BuildInfo

_WHAT: Final = "AI models on your own computer."
_NAME_WIDTH: Final = 120
_TITLE: Final = "Licences of what comes with Hearth"


class AboutDialog(ChoiceDialog):
    """Shows what this Hearth is.

    Attributes:
        facts: what is shown, by name.
        licences: shows the licences of all that comes with Hearth.
        data, logs: open the folders.
    """

    def __init__(self, appearance: Appearance, build: BuildInfo, home: Path, parent: QWidget) -> None:
        super().__init__(appearance, "About Hearth", "Close", "Copy details", parent)
        self._home = home
        self.facts = details(build)
        self.licences = _link(f"{_TITLE}…", self)
        self.data, self.logs = _link("Open the data folder", self), _link("Open the log folder", self)
        self._fill()
        self.licences.clicked.connect(self.show_licences)
        self.data.clicked.connect(lambda: _open_folder(home))
        self.logs.clicked.connect(lambda: _open_folder(home / "logs"))

    def accept(self) -> None:
        """Copy the facts; the dialog stays."""
        QGuiApplication.clipboard().setText(as_text(self.facts))
        self.yes_button.setText("Copied")

    def show_licences(self) -> ReadingDialog:
        """Open the licences; it does not block."""
        dialog = ReadingDialog(self._appearance, _TITLE, "Search for the name of a library or of a licence.", self)
        dialog.show_texts([Reading(name="NOTICES.txt", text=notices())])
        dialog.open()
        return dialog

    def _fill(self) -> None:
        theme = self._appearance.theme
        self.room.addWidget(text_label(_WHAT, is_muted=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.space("m"))
        grid.setVerticalSpacing(theme.space("xs"))
        grid.setColumnMinimumWidth(0, _NAME_WIDTH)
        grid.setColumnStretch(1, 1)
        width = self.room_width - _NAME_WIDTH - theme.space("m")
        for row, fact in enumerate(self.facts):
            name = text_label(fact.name, is_muted=True)
            name.setFixedWidth(_NAME_WIDTH)
            words = text_label(fact.words, can_copy=True)
            words.setFixedWidth(width)
            words.setAccessibleName(f"{fact.name}: {fact.words}")
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(words, row, 1, Qt.AlignmentFlag.AlignTop)
        self.room.addSpacing(theme.space("s"))
        self.room.addLayout(grid)
        self.room.addSpacing(theme.space("s"))
        folders = QHBoxLayout()
        folders.setSpacing(theme.space("l"))
        folders.addWidget(self.data)
        folders.addWidget(self.logs)
        folders.addStretch(1)
        self.room.addWidget(self.licences, 0, Qt.AlignmentFlag.AlignLeft)
        self.room.addLayout(folders)


def _link(words: str, parent: QWidget) -> QPushButton:
    button = QPushButton(words, parent)
    button.setProperty("link", True)
    button.setAutoDefault(False)
    return button


def _open_folder(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
