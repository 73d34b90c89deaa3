"""StateLine: a plugin's state as an icon and a word, with what it is beside that."""

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.plugins.wording import look_of
from app.theme import Appearance
from app.theme.widgets import Chip
from app.theme.widgets.labels import IconLabel
from engine import PluginInfo


class StateLine(QWidget):
    """Icon and word of the state, then a chip: whether it came with Hearth."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = IconLabel(appearance, "clock", "text-muted")
        self._word = QLabel(self)
        self._word.setProperty("role", "strong")
        self._origin = Chip("", "outline", self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(self._icon)
        row.addWidget(self._word)
        row.addSpacing(appearance.theme.space("s"))
        row.addWidget(self._origin)
        row.addStretch(1)

    @property
    def word(self) -> str:
        """The state in words."""
        return self._word.text()

    def show_state(self, info: PluginInfo, doing: str) -> None:
        """Show a plugin's state, or what is under way with it."""
        look = look_of(info)
        word = doing or look.word
        if self._word.text() != word:
            self._word.setText(word)
        origin = "Came with Hearth" if info.is_bundled else "Installed by you"
        if self._origin.text() != origin:
            self._origin.setText(origin)
        self._icon.show_icon(*(("clock", "text-muted") if doing else (look.icon, look.role)))
