"""Questions of the page."""

from PySide6.QtWidgets import QWidget

from app.theme import Appearance
from app.theme.widgets import ChoiceDialog
from app.theme.widgets.labels import text_label


def ask_to_remove(appearance: Appearance, name: str, folder: str, parent: QWidget) -> ChoiceDialog:
    """Make the question whether a plugin's files should be deleted."""
    dialog = ChoiceDialog(appearance, f"Remove {name}?", "Keep it", "Remove", parent)
    dialog.yes_button.setProperty("kind", "danger")
    dialog.room.addWidget(
        text_label("Its files and its settings are deleted. What it offers is no longer there.", can_copy=True)
    )
    dialog.room.addWidget(text_label(folder, "small", is_muted=True, can_copy=True))
    return dialog
