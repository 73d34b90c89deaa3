"""EmptyCard: what to do while nothing is here but what came with Hearth."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.models.recommending import file_of
from app.models.words import size_words
from app.theme import Appearance
from app.theme.widgets.labels import IconLabel, say, text_label
from engine import HubModel


class EmptyCard(QFrame):
    """Leads to the starter, which is always there, and to one download that suits this machine.

    Attributes:
        get: fetches the recommended model.
        browse: opens Discover.
        chat: opens Chat with the starter.

    Signals:
        get_pressed: address of a model on the hub.
        browse_pressed: all of them.
        chat_pressed: try what is here.
    """

    get_pressed = Signal(str)
    browse_pressed = Signal()
    chat_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("drop", "rest")
        self.setProperty("region", True)
        self._appearance = appearance
        self._repo = ""
        self._title = text_label("Only what came with Hearth is here", "strong")
        self._words = text_label("", is_muted=True)
        self.get = QPushButton(self)
        self.browse = QPushButton("See all that fit", self)
        self.chat = QPushButton("Try the starter", self)
        self.browse.setProperty("kind", "flat")
        self.get.clicked.connect(lambda: self.get_pressed.emit(self._repo))
        self.browse.clicked.connect(self.browse_pressed)
        self.chat.clicked.connect(self.chat_pressed)
        self._lay_out()
        self._restyle()
        appearance.changed.connect(self._restyle)
        self.show_model(None)

    def show_model(self, model: HubModel | None) -> None:
        """Recommend a model; None where nothing is known to fit."""
        words = (
            "The starter answers simple questions, so that the first minute needs no download. For more, get a larger "
            "model, or drop a GGUF or ONNX file here."
        )
        self._repo = model.repo if model is not None else ""
        self.get.setVisible(model is not None)
        if model is not None:
            file = file_of(model)
            about = f" ({size_words(file.size_bytes)})" if file is not None else ""
            self.get.setText(f"Get {model.name}{about}".replace("&", "&&"))
            self.get.setToolTip(model.summary)
            self.get.setAccessibleDescription(model.summary)
            words += f" {model.name} suits this computer."
        say(self._words, words)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        for button, icon in ((self.get, "download"), (self.chat, "chat")):
            button.setIcon(theme.icon(icon, "text", edge))
            button.setIconSize(QSize(edge, edge))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        press = QHBoxLayout()
        press.setContentsMargins(0, theme.space("xs"), 0, 0)
        press.setSpacing(theme.space("s"))
        for button in (self.get, self.chat, self.browse):
            press.addWidget(button)
        press.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(theme.space("xs"))
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(press)
        row = QHBoxLayout(self)
        edge = theme.space("l")
        row.setContentsMargins(edge, edge, edge, edge)
        row.setSpacing(edge)
        row.addWidget(IconLabel(self._appearance, "models", "text-muted", "icon-large"), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
