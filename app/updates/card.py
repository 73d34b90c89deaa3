"""UpdatesCard: the switch, what it sends and where, and what was found."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.theme import Appearance
from app.theme.widgets import Card, Switch, quiet
from app.theme.widgets.labels import say, text_label
from app.updates.controller import UpdatesController

_NOWHERE: Final = "This Hearth was built without an address for that. Set update_url in the engine's settings to look."


class UpdatesCard(Card):
    """Off unless somebody switches it on.

    Attributes:
        switch: looks once a day.
        look: looks now.
        more: shows what is new; hidden while there is nothing.

    Signals:
        more_pressed: the person wants to read about the version that was found.
    """

    more_pressed = Signal()

    def __init__(self, appearance: Appearance, controller: UpdatesController, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "download", "New versions", parent)
        self._controller = controller
        self.switch = Switch(appearance, "Look for a new version once a day", self)
        self.look = QPushButton("Look now", self)
        self.more = QPushButton("What is new…", self)
        for button in (self.look, self.more):
            button.setProperty("small", True)
        self._state = text_label("")
        self.head.addWidget(self.switch)
        self.column.addWidget(text_label("Look for a new version once a day"))
        self.column.addWidget(quiet(_what_is_sent(controller.host) if controller.can_look else _NOWHERE))
        row = QHBoxLayout()
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(self._state, 1)
        row.addWidget(self.more)
        row.addWidget(self.look)
        self.column.addLayout(row)
        self.switch.clicked.connect(controller.switch)
        self.look.clicked.connect(controller.look_now)
        self.more.clicked.connect(self.more_pressed)
        controller.changed.connect(self.show_now)
        self.show_now()

    @property
    def words(self) -> str:
        """What is said of the last look."""
        return self._state.text()

    def show_now(self) -> None:
        """Show what holds now."""
        controller = self._controller
        self.switch.setChecked(controller.is_on)
        self.switch.setEnabled(controller.can_look)
        self.look.setEnabled(controller.can_look and not controller.is_looking)
        self.more.setVisible(controller.release is not None)
        words = "Looking…" if controller.is_looking else controller.words
        say(self._state, words or f"This is Hearth {controller.version}.")


def _what_is_sent(host: str) -> str:
    """What looking gives away."""
    return (
        f"Hearth then asks {host} for one small file. Nothing is sent but the request itself: no name, no number of "
        "this computer, not even the version that you have. Hearth downloads and installs nothing by itself."
    )
