"""ImportDialog: asks whether files are copied or moved into Hearth's own folder, before anything is done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QButtonGroup, QRadioButton, QWidget

from app.models.words import counted, size_words
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ElidedLabel
from app.theme.widgets.labels import text_label

_LISTED: Final = 5
_MEASURED: Final = 100  # of more files nobody waits for the sizes


class ImportDialog(ChoiceDialog):
    """Lists what would be imported.

    Attributes:
        paths: files and folders.
        copy_choice: leave them where they are, too.
        move_choice: take them away from there.
    """

    def __init__(self, appearance: Appearance, paths: Sequence[Path], free_bytes: int, parent: QWidget) -> None:
        what = f"“{paths[0].name}”" if len(paths) == 1 else counted(len(paths), "file or folder")
        what = what.replace("file or folders", "files and folders")
        super().__init__(appearance, f"Add {what} to your models?", "Cancel", "Add", parent)
        self.yes_button.setProperty("kind", "primary")
        self.paths = tuple(paths)
        for path in paths[:_LISTED]:
            self.room.addWidget(ElidedLabel(str(path), self))
        if len(paths) > _LISTED:
            self.room.addWidget(text_label(f"and {len(paths) - _LISTED} more", is_muted=True))
        self.copy_choice = QRadioButton("Copy: they stay where they are, too", self)
        self.move_choice = QRadioButton("Move: they take no room twice", self)
        self.copy_choice.setChecked(True)
        self._group = QButtonGroup(self)
        for choice in (self.copy_choice, self.move_choice):
            self._group.addButton(choice)
            self.room.addWidget(choice)
        known = [size for path in paths[:_MEASURED] if (size := _size_of(path)) is not None]
        needs = f"{size_words(sum(known))} to take. " if len(known) == len(paths) else ""
        free = f"{needs}{size_words(free_bytes)} free on disk. " if free_bytes else needs
        said = f"{free}Each file is checked before it is used; what is refused stays where it is."
        self.room.addWidget(text_label(said, "small", is_muted=True))


def _size_of(path: Path) -> int | None:
    """Bytes of a file; None for a folder, in which nobody has looked yet."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
