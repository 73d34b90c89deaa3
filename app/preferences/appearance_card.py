"""AppearanceCard: the colours of the window."""

from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from app.theme import CHOICES, Appearance
from app.theme.widgets import Card, quiet

_WIDTH = 216


class StillCombo(QComboBox):
    """A list of choices that the wheel does not change."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class AppearanceCard(Card):
    """One choice among the schemes.

    Attributes:
        themes: the choice.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "image", "Appearance", parent)
        self._appearance = appearance
        self.themes = StillCombo(self)
        self.themes.setFixedWidth(_WIDTH)
        self.themes.setAccessibleName("Theme")
        for setting, words in CHOICES:
            self.themes.addItem(words, setting)
        title = QLabel("Theme", self)
        title.setBuddy(self.themes)
        row = QHBoxLayout()
        row.addWidget(title, 1)
        row.addWidget(self.themes)
        self.column.addLayout(row)
        self.column.addWidget(quiet("Following the system takes its light or dark colours and its contrast."))
        self.show_setting()
        self.themes.activated.connect(self._on_activated)
        appearance.changed.connect(self.show_setting)

    def show_setting(self) -> None:
        """Show what is chosen, wherever that was done."""
        self.themes.setCurrentIndex(self.themes.findData(self._appearance.setting))

    def _on_activated(self) -> None:
        self._appearance.choose(self.themes.currentData())
