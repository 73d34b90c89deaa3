"""FoldersDialog: where models are searched: Hearth's own folder, those of other programs, and more of one's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.models.words import FOREIGN, counted, origin_words, size_words
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ElidedLabel, Switch
from app.theme.widgets.labels import IconLabel, text_label
from engine import LibraryFolder, Origin

_MOST_HEIGHT: Final = 320
_NOTE: Final = (
    "Models of other programs are used where they are; Hearth changes nothing of theirs. "
    "A change counts from the next start of Hearth."
)


class FolderRow(QWidget):
    """One folder, with what can be changed about it.

    Attributes:
        switch: whether the models of a program are listed; None for other folders.
        remove: takes a folder of one's own from the list; None for other folders.
    """

    def __init__(self, appearance: Appearance, folder: LibraryFolder, has_switch: bool) -> None:
        super().__init__()
        theme = appearance.theme
        self.folder = folder
        self.switch: Switch | None = None
        self.remove: QPushButton | None = None
        names = {Origin.INCLUDED: "Came with Hearth", Origin.OWN: "Hearth's own folder", Origin.FOLDER: "Your folder"}
        name = names.get(folder.origin) or origin_words(folder.origin)
        models = f"{counted(folder.models, 'model')}, {size_words(folder.size_bytes)}" if folder.models else "no models"
        broken = f", {counted(len(folder.broken), 'file')} that cannot be used" if folder.broken else ""
        words = QVBoxLayout()
        words.setSpacing(0)
        title = ElidedLabel(str(folder.path), self)
        about = ElidedLabel(f"{name} · {models}{broken}", self, Qt.TextElideMode.ElideRight)
        about.setProperty("role", "small")
        about.setProperty("muted", True)
        words.addWidget(title)
        words.addWidget(about)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, theme.space("xs"), 0, theme.space("xs"))
        row.setSpacing(theme.space("m"))
        row.addWidget(IconLabel(appearance, "folder", "text-muted"))
        row.addLayout(words, 1)
        if has_switch:
            self.switch = Switch(appearance, f"List models of {name} where they are", self)
            self.switch.setChecked(folder.is_used)
            row.addWidget(self.switch)
        elif folder.origin is Origin.FOLDER:
            self.remove = QPushButton("Leave out", self)
            self.remove.setProperty("small", True)
            self.remove.setAccessibleName(f"Search {folder.path} no longer; its files stay")
            row.addWidget(self.remove)


class FoldersDialog(ChoiceDialog):
    """Lists the folders; what is changed counts from the next start on.

    Attributes:
        rows: of the folders.
        add: opens the system's dialog for a folder.
    """

    def __init__(
        self,
        appearance: Appearance,
        folders: Sequence[LibraryFolder],
        used_in_place: Sequence[str],
        parent: QWidget,
    ) -> None:
        """Make it.

        Args:
            appearance: gives the looks.
            folders: all that are searched, or could be.
            used_in_place: names of other programs whose models are listed, as set now.
            parent: where it lies.
        """
        super().__init__(appearance, "Where models are searched", "Cancel", "Save", parent)
        self._appearance = appearance
        self._used = tuple(used_in_place)
        self._rows: list[FolderRow] = []
        self.yes_button.setEnabled(False)
        self.yes_button.setToolTip("Nothing was changed.")
        self.add = QPushButton("Add a folder…", self)
        self.add.setIcon(appearance.theme.icon("plus", "text", appearance.theme.size("icon-small")))
        self.add.setIconSize(QSize(16, 16))
        self.add.clicked.connect(self.choose_folder)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._list.setContentsMargins(0, 0, appearance.theme.space("s"), 0)
        self._note = text_label(_NOTE, "small", is_muted=True)
        self._fill_room()
        self._fill(folders)

    @property
    def rows(self) -> list[FolderRow]:
        """Those that are listed."""
        return list(self._rows)

    @property
    def settings(self) -> dict[str, tuple[str, ...]]:
        """What is to be kept in the engine's settings file."""
        own = tuple(str(row.folder.path) for row in self._rows if row.folder.origin is Origin.FOLDER)
        switched = {row.folder.origin.value: row.switch.isChecked() for row in self._rows if row.switch is not None}
        programs = sorted({*self._used, *switched})
        used = tuple(name for name in programs if switched.get(name, name in self._used))
        return {"model_dirs": own, "used_in_place": used}

    def choose_folder(self) -> QFileDialog:
        """Open the system's dialog; it does not block."""
        dialog = QFileDialog(self, "Add a folder with models")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.add_folder(Path(names[0])))
        dialog.open()
        return dialog

    def add_folder(self, path: Path) -> None:
        """List one more; one that is listed already changes nothing."""
        if all(row.folder.path != path for row in self._rows):
            self._add(LibraryFolder(path=path, origin=Origin.FOLDER, is_used=True), has_switch=False)
            self._touch()

    def _fill(self, folders: Sequence[LibraryFolder]) -> None:
        switched: set[Origin] = set()
        for folder in folders:
            is_first = folder.origin in FOREIGN and folder.origin not in switched
            if is_first:
                switched.add(folder.origin)
            self._add(folder, has_switch=is_first)

    def _add(self, folder: LibraryFolder, *, has_switch: bool) -> None:
        row = FolderRow(self._appearance, folder, has_switch)
        if row.switch is not None:
            row.switch.toggled.connect(self._touch)
        if row.remove is not None:
            row.remove.clicked.connect(lambda: self._leave_out(row))
        self._rows.append(row)
        self._list.insertWidget(self._list.count() - 1, row)
        self._fit()

    def _leave_out(self, row: FolderRow) -> None:
        self._rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        self._fit()
        self._touch()

    def _fit(self) -> None:
        """As high as the rows, and no higher than half a window."""
        wanted = sum(row.sizeHint().height() for row in self._rows)
        self._scroll.setFixedHeight(min(_MOST_HEIGHT, wanted))

    def _touch(self) -> None:
        self.yes_button.setEnabled(True)
        self.yes_button.setToolTip("")

    def _fill_room(self) -> None:
        inside = QWidget()
        inside.setLayout(self._list)
        self._list.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidget(inside)
        inside.setAutoFillBackground(False)  # QScrollArea has just set it
        scroll.viewport().setAutoFillBackground(False)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Folders")
        self._scroll = scroll
        self.room.addWidget(scroll)
        press = QHBoxLayout()
        press.addWidget(self.add)
        press.addStretch(1)
        self.room.addLayout(press)
        self.room.addWidget(self._note)
