"""DropOverlay: lies over the page while files are dragged over it, and says what dropping them does."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from app.theme import Appearance
from app.theme.widgets.labels import IconLabel


class DropOverlay(QFrame):
    """As large as the page less its margin; takes no events."""

    def __init__(self, appearance: Appearance, page: QWidget) -> None:
        super().__init__(page)
        self.setProperty("drop", "over")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._appearance = appearance
        self._page = page
        icon = IconLabel(appearance, "plugins", "accent-ink", "icon-large")
        self._title = QLabel(self)
        self._title.setProperty("role", "title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint = QLabel("Nothing of it runs before you have allowed it.", self)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.addStretch(1)
        column.addWidget(icon, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self._title)
        column.addWidget(self._hint)
        column.addStretch(1)
        self.hide()

    def show_drag(self, count: int) -> None:
        """Say that this many plugins would be installed; 0 hides the overlay."""
        self._title.setText("Drop to install 1 plugin" if count == 1 else f"Drop to install {count} plugins")
        self._place()
        self.setVisible(bool(count))
        self.raise_()

    def _place(self) -> None:
        margin = self._appearance.theme.space("l")
        self.setGeometry(self._page.rect().adjusted(margin, margin, -margin, -margin))
