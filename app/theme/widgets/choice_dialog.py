"""ChoiceDialog: a title, a body, and a footer with the safe choice first and focused. Opened, never executed."""

from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.focus_ring import FocusRing
from app.theme.widgets.labels import text_label

_WIDTH = 520


class ChoiceDialog(QDialog):
    """Asks one question; `accepted` is the choice that changes something. It deletes itself when it is closed.

    Attributes:
        safe_button: changes nothing; has the focus at first.
        yes_button: does what the title asks.
        room: where the body goes.
        footer: the row of the buttons; more may stand at its left end.
        room_width: its width in pixels.
    """

    def __init__(
        self, appearance: Appearance, title: str, safe: str, yes: str, parent: QWidget, width: int = _WIDTH
    ) -> None:
        super().__init__(parent)
        self.setObjectName("dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self._appearance = appearance
        self.safe_button = QPushButton(safe, self)
        self.yes_button = QPushButton(yes, self)
        self.safe_button.setDefault(True)
        self.yes_button.setAutoDefault(False)
        self.safe_button.clicked.connect(self.reject)
        self.yes_button.clicked.connect(self.accept)
        self.room = QVBoxLayout()
        self.footer = QHBoxLayout()
        self.room_width = width - 2 * appearance.theme.space("xl")
        self.setFixedWidth(width)
        self._lay_out(title)
        self._ring = FocusRing(appearance, self, cast("QApplication", QApplication.instance()))

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the safe choice."""
        super().showEvent(event)
        self._ring.attach()
        self.safe_button.setFocus(Qt.FocusReason.TabFocusReason)

    def _lay_out(self, title: str) -> None:
        theme = self._appearance.theme
        heading = text_label(title, "title")
        heading.setFixedWidth(self.room_width)  # else its height is guessed for a narrower one
        edge = theme.space("xl")
        body = QVBoxLayout()
        body.setContentsMargins(edge, edge, edge, theme.space("l"))
        body.setSpacing(theme.space("s"))
        body.addWidget(heading)
        self.room.setSpacing(theme.space("s"))
        body.addLayout(self.room, 1)
        foot = QFrame(self)
        foot.setProperty("line", "top")
        buttons = self.footer
        foot.setLayout(buttons)
        buttons.setContentsMargins(edge, theme.space("m"), edge, theme.space("m"))
        buttons.setSpacing(theme.space("m"))
        buttons.addStretch(1)
        buttons.addWidget(self.safe_button)
        buttons.addWidget(self.yes_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)  # the edge, for windows that have no frame
        whole.setSpacing(0)
        whole.addLayout(body, 1)
        whole.addWidget(foot)
