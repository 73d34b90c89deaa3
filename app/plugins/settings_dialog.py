"""SettingsDialog: a plugin's settings, drawn from the fields that it declares."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from app.forms import FieldForm
from app.plugins.wording import name_of
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ColumnScroll
from app.theme.widgets.labels import text_label
from engine import Kind, ModelInfo, PluginInfo, Values

_LEAST_HEIGHT = 320
_FILES = {Kind.FILE, Kind.IMAGE}  # a setting is kept as text; the content of a file is none


class SettingsDialog(ChoiceDialog):
    """The form with Save; it stays open while a value is wrong.

    Attributes:
        plugin: the plugin's id.
        form: the fields.
    """

    def __init__(self, appearance: Appearance, info: PluginInfo, models: Sequence[ModelInfo], parent: QWidget) -> None:
        super().__init__(appearance, f"Settings of {name_of(info)}", "Cancel", "Save", parent)
        self.plugin = info.id
        self.yes_button.setProperty("kind", "primary")
        self.safe_button.setDefault(False)
        self.yes_button.setDefault(True)
        self.form = FieldForm(appearance, [field for field in info.fields if field.kind not in _FILES])
        self.form.show_models(models)
        self.form.set_values(info.settings)
        scroll = ColumnScroll("Settings", self.form, self.room_width, self)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # every field can be reached
        self.room.addWidget(scroll, 1)
        self.room.addWidget(text_label("Saving reloads the plugin.", "small", is_muted=True))
        self.setMinimumHeight(_LEAST_HEIGHT)

    @property
    def values(self) -> Values:
        """What is filled in, by name."""
        return self.form.values()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the first field."""
        super().showEvent(event)
        self.form.focus_first()

    def accept(self) -> None:
        """Save, unless something is wrong; then show that instead."""
        if not self.form.show_problems():
            super().accept()
