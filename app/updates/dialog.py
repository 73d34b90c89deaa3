"""UpdateDialog: what is new in a version, which file is for this system, and its checksum."""

import sys
from typing import Final

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.markdown.growing_text import GrowingText
from app.markdown.link_question import ask_to_open
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ColumnScroll
from app.theme.widgets.labels import text_label
from engine import Release, ReleaseFile

_SYSTEM: Final = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
_WIDTH: Final = 640
_NOTES_HEIGHT: Final = 200
_MOST_FILES: Final = 4


class UpdateDialog(ChoiceDialog):
    """`accepted` opens the page of the version in the browser; Hearth itself fetches nothing.

    Attributes:
        skip: tells no more of this version.
        notes: what is new, as formatted text that loads and opens nothing.
    """

    def __init__(self, appearance: Appearance, release: Release, parent: QWidget) -> None:
        super().__init__(appearance, f"Hearth {release.version}", "Later", "Open the download page", parent, _WIDTH)
        self._page = release.page
        self.yes_button.setProperty("kind", "primary")
        self.yes_button.setToolTip(release.page)
        self.skip = QPushButton("Skip this version", self)
        self.skip.setAutoDefault(False)
        self.skip.clicked.connect(self.reject)
        self.footer.insertWidget(0, self.skip)
        self.room.addWidget(self._fixed(f"Released on {release.released}.", is_muted=True))
        self.notes = GrowingText(appearance, "What is new")
        self.notes.finish(release.notes.strip() or "Nothing is said about it.", is_markdown=True)
        self.notes.link_pressed.connect(lambda url: ask_to_open(url, "Whoever released this version", self))
        scroll = ColumnScroll("What is new", self.notes, self.room_width, self)
        scroll.setFixedHeight(_NOTES_HEIGHT)
        self.room.addWidget(scroll)
        self.room.addSpacing(appearance.theme.space("s"))
        files = release.files_for(_SYSTEM)
        for file in files[:_MOST_FILES]:
            self.room.addWidget(self._file(file))
        if not files:
            self.room.addWidget(self._fixed("There is no file for this system yet."))
        self.accepted.connect(self._open_page)

    def _file(self, file: ReleaseFile) -> QWidget:
        """Name, size and checksum, to be compared with the file that was downloaded."""
        widget = QWidget(self)
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        row = QHBoxLayout()
        row.addWidget(text_label(file.name, "strong", can_copy=True), 1)
        size = text_label(f"{file.size_bytes / 1e6:,.0f} MB", "small", is_muted=True)
        size.setWordWrap(False)
        size.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        row.addWidget(size)
        column.addLayout(row)
        digest = self._fixed(f"SHA-256 {file.sha256}", is_muted=True, can_copy=True)
        column.addWidget(digest)
        return widget

    def _fixed(self, words: str, *, is_muted: bool = False, can_copy: bool = False) -> QWidget:
        label = text_label(words, "small", is_muted=is_muted, can_copy=can_copy)
        label.setFixedWidth(self.room_width)
        return label

    def _open_page(self) -> None:
        QDesktopServices.openUrl(QUrl(self._page))
