"""PageHeader: the bar at the top of a page, which begins with its title."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.theme.appearance import Appearance


class PageHeader(QFrame):
    """A title, and whatever the page puts at its right.

    Attributes:
        row: where the page adds the rest.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        theme = appearance.theme
        self.setObjectName("pageHeader")
        self.setProperty("region", True)
        self.setFixedHeight(theme.size("header"))
        words = QLabel(title, self)
        words.setProperty("role", "title")
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(theme.space("xl"), 0, theme.space("xl"), 0)
        self.row.setSpacing(theme.space("m"))
        self.row.addWidget(words)
