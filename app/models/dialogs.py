"""Questions of the page."""

from PySide6.QtWidgets import QWidget

from app.models.rows import Row
from app.models.words import counted
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog
from app.theme.widgets.labels import text_label


def ask_to_remove(appearance: Appearance, row: Row, is_loaded: bool, parent: QWidget) -> ChoiceDialog:
    """Make the question whether a model's files go to the trash."""
    dialog = ChoiceDialog(appearance, f"Remove {row.title}?", "Keep it", "Move to trash", parent)
    dialog.yes_button.setProperty("kind", "danger")
    files = len(row.card.files) if row.card is not None else 1
    what = f"The file of {row.size} is" if files < 2 else f"Its {counted(files, 'file')} ({row.size} in all) are"
    loaded = " It leaves memory first." if is_loaded else ""
    words = f"{what} moved to the trash.{loaded} Chats keep their text and ask for another model."
    label = text_label(words)
    label.setFixedWidth(dialog.room_width)
    dialog.room.addWidget(label)
    where = text_label(str(row.path), "small", is_muted=True, can_copy=True)
    where.setFixedWidth(dialog.room_width)
    dialog.room.addWidget(where)
    return dialog
