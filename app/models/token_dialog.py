"""TokenDialog: asks for the token of an account at the hub, and says where it is kept."""

from typing import Final
from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.theme import Appearance
from app.theme.widgets import ChoiceDialog
from app.theme.widgets.labels import text_label
from engine import HubState

_MOST: Final = 500
"""Letters of a token; one is about forty long."""


class TokenDialog(ChoiceDialog):
    """Takes a token, or has the one that is kept forgotten. What is typed is never shown.

    Attributes:
        field: for the token.
        forget_button: shown where one is kept.

    Signals:
        token_given: a token to keep; empty to forget the one that is kept.
    """

    token_given = Signal(str)

    def __init__(self, appearance: Appearance, state: HubState, parent: QWidget) -> None:
        host = urlsplit(state.url).hostname or state.url
        super().__init__(appearance, f"Token for {host}", "Cancel", "Keep the token", parent)
        self.yes_button.setProperty("kind", "primary")
        self.yes_button.setEnabled(False)
        self.safe_button.setAutoDefault(False)
        self.yes_button.setDefault(True)  # Enter keeps what was typed
        self.field = QLineEdit(self)
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setMaxLength(_MOST)
        self.field.setAccessibleName(f"Token of your account at {host}")
        self.field.textChanged.connect(lambda text: self.yes_button.setEnabled(bool(text.strip())))
        self.forget_button = QPushButton("Forget the token", self)
        self.forget_button.setProperty("kind", "danger")
        self.forget_button.setAutoDefault(False)
        self.forget_button.setVisible("keyring" in state.token_kept_in)  # others' are only read
        self.forget_button.clicked.connect(self._forget)
        self.accepted.connect(lambda: self.token_given.emit(self.field.text().strip()))
        self._fill(state, host)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin where something is to be typed."""
        super().showEvent(event)
        self.field.setFocus(Qt.FocusReason.TabFocusReason)

    def _fill(self, state: HubState, host: str) -> None:
        what = (
            f"Some authors want to know who takes their models. Agree to their terms at {host}, make a token there "
            "that may read, and paste it here."
        )
        self.room.addWidget(text_label(what))
        label = text_label("Token", "label")
        label.setBuddy(self.field)
        self.room.addWidget(label)
        self.room.addWidget(self.field)
        self.room.addWidget(text_label(_place_words(state), "small", is_muted=True))
        row = QHBoxLayout()
        row.addWidget(self.forget_button)
        row.addStretch(1)
        self.room.addLayout(row)

    def _forget(self) -> None:
        self.token_given.emit("")
        self.reject()


def _place_words(state: HubState) -> str:
    if state.has_token:
        return f"A token is kept in {state.token_kept_in}. A new one takes its place."
    if state.is_portable:
        return (
            "Hearth is portable here: it goes into a file beside the program, not into this system's keyring, and is "
            "sent to this host alone. Only you can read that file, unless the disk is a stick that knows no owners."
        )
    return "It goes into this system's keyring, not into a file of Hearth's, and is sent to this host alone."
