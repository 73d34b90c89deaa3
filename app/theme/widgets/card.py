"""Card: the frame of one group of settings."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.labels import IconLabel, text_label


class Card(QFrame):
    """Icon and title in one row, and a column for the rest.

    Attributes:
        head: the row; more may stand at its right end.
        column: where the rest goes.
    """

    def __init__(self, appearance: Appearance, icon: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setAccessibleName(title)
        theme = appearance.theme
        self.head = QHBoxLayout()
        self.head.setSpacing(theme.space("s"))
        words = QLabel(title, self)
        words.setProperty("role", "strong")
        self.head.addWidget(IconLabel(appearance, icon, "text-muted", "icon"))
        self.head.addWidget(words)
        self.head.addStretch(1)
        self.head.addStrut(theme.size("control") + 2)  # the highest of what stands there: segments
        self.column = QVBoxLayout(self)
        edge = theme.space("l")
        self.column.setContentsMargins(edge, theme.space("m"), edge, edge)
        self.column.setSpacing(theme.space("m"))
        self.column.addLayout(self.head)


def quiet(words: str) -> QLabel:
    """A sentence that explains, below a title."""
    return text_label(words, "small", is_muted=True)
