"""DiscoverNote: stands where the list would, while it is read or when nothing is in it, and says what to do."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.models.discover_controller import DiscoverController, Phase
from app.models.discover_query import is_anything
from app.theme import Appearance
from app.theme.widgets.labels import IconLabel, say, text_label

_WIDEST: Final = 440


class DiscoverNote(QFrame):
    """An icon, a title, a sentence, and buttons that help.

    Signals:
        ask_pressed: ask the hub.
        clear_pressed: look for anything.
    """

    ask_pressed = Signal()
    clear_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        theme = appearance.theme
        self._icon = IconLabel(appearance, "search", "text-muted", "icon-large")
        self._title = text_label("", "strong")
        self._words = text_label("", is_muted=True)
        self.ask_button = QPushButton("Search the hub", self)
        self.clear_button = QPushButton("Clear the filters", self)
        self.ask_button.clicked.connect(self.ask_pressed)
        self.clear_button.clicked.connect(self.clear_pressed)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space("s"))
        buttons.addStretch(1)
        buttons.addWidget(self.ask_button)
        buttons.addWidget(self.clear_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        edge = theme.space("xl")
        column.setContentsMargins(edge, edge, edge, edge)
        column.setSpacing(theme.space("s"))
        column.addStretch(1)
        column.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignHCenter)
        for label in (self._title, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setFixedWidth(_WIDEST)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(buttons)
        column.addStretch(2)

    @property
    def message(self) -> str:
        """The words that are shown."""
        return f"{self._title.text()} {self._words.text()}"

    def show_now(self, controller: DiscoverController, host: str) -> None:
        """Say why nothing is listed.

        Args:
            controller: what is known of the search.
            host: of the hub.
        """
        icon, title, words = self._said(controller, host)
        self._icon.show_icon(icon, "text-muted")
        say(self._title, title)
        say(self._words, words)
        is_idle = controller.is_loaded and controller.phase is Phase.NONE
        self.ask_button.setVisible(is_idle and not controller.state.is_offline)
        is_busy = not controller.is_loaded or controller.phase is Phase.SEARCHING
        self.clear_button.setVisible(not is_busy and not is_anything(controller.query))

    def _said(self, controller: DiscoverController, host: str) -> tuple[str, str, str]:
        text = controller.query.text
        if not controller.is_loaded:
            return "clock", "Looking at what suits this computer", "This takes a moment."
        if controller.phase is Phase.SEARCHING:
            return "globe", f"Asking {host}", "The search can be given up at any time."
        if controller.phase is Phase.NOTHING:
            what = f"for “{text}”" if text else "of that kind"
            return "search", f"Nothing found {what}", "Try fewer or shorter words, or take a filter away."
        if controller.phase in {Phase.FAILED, Phase.OFFLINE}:
            return "globe", "The hub could not be asked", "What Hearth recommends has nothing that matches."
        what = f"matches “{text}”" if text else "matches these filters"
        return "search", f"Nothing that Hearth recommends {what}", f"Search {host} for it, or take a filter away."
