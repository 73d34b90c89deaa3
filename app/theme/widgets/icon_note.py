"""IconNote: a banner that belongs to the page: an icon, words below each other, and small buttons."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.labels import IconLabel


class IconNote(QFrame):
    """What it says is up to its owner, who adds labels and buttons.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, icon: str, role: str, kind: str, parent: QWidget | None = None) -> None:
        """Make one without words.

        Args:
            appearance: where colours and measures come from.
            icon: of `resources/icons`, at the top left.
            role: colour role of the icon.
            kind: of banner, as the style sheet knows it.
            parent: where it lives.
        """
        super().__init__(parent)
        self.setProperty("banner", kind)
        theme = appearance.theme
        self._icon = IconLabel(appearance, icon, role)
        self._buttons = QHBoxLayout()
        self._buttons.setContentsMargins(0, theme.space("xs"), 0, 0)
        self._buttons.setSpacing(theme.space("s"))
        self._buttons.addStretch(1)
        self._words = QVBoxLayout()
        self._words.setSpacing(theme.space("xxs"))
        self._words.addLayout(self._buttons)
        self._mark = QVBoxLayout()
        self._mark.addWidget(self._icon)
        self._mark.addStretch(1)
        row = QHBoxLayout(self)
        edge = theme.space("m")
        row.setContentsMargins(edge, edge, edge, edge)
        row.setSpacing(edge)
        row.addLayout(self._mark)
        row.addLayout(self._words, 1)

    def add_label(self, label: QLabel) -> None:
        """Add words below those that are there, above the buttons."""
        self._words.insertWidget(self._words.count() - 1, label)

    def add_button(self, words: str) -> QPushButton:
        """Add a small button at the right of those that are there."""
        button = QPushButton(words, self)
        button.setProperty("small", True)
        self._buttons.insertWidget(self._buttons.count() - 1, button)
        return button

    def dress(self, icon: str, role: str, kind: str) -> None:
        """Be another kind of banner, with another icon in the colour of a role."""
        self._icon.show_icon(icon, role)
        if self.property("banner") != kind:
            self.setProperty("banner", kind)
            self.style().unpolish(self)
            self.style().polish(self)
