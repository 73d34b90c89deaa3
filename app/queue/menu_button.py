"""MenuButton: a button that says what is chosen, with a chevron, and opens the choices below itself."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.theme import Appearance


class MenuButton(QPushButton):
    """A style sheet's padding does not reach a button with Qt's own menu, so it opens its menu itself.

    Attributes:
        choices: the menu; it stays the same one.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.choices = QMenu(self)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the chevron stands behind the words
        self.choices.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.clicked.connect(self.open_menu)
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def open_menu(self) -> None:
        """Show the choices."""
        self.choices.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with the arrow, too."""
        if event.key() == Qt.Key.Key_Down:
            self.open_menu()
            return
        super().keyPressEvent(event)

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        self.setIcon(theme.icon("chevron-down", "text-muted", theme.size("icon-small")))
