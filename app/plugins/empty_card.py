"""EmptyCard: what plugins are and how to get one, while no stranger's is installed."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import Appearance
from app.theme.widgets import IconButton
from app.theme.widgets.labels import IconLabel, text_label

COMMAND = "hearth plugins new my-plugin"


class EmptyCard(QFrame):
    """Says what can be added, and that dropping works too.

    Signals:
        install_pressed: choose a file.
        copy_requested: text for the clipboard.
    """

    install_pressed = Signal()
    copy_requested = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("drop", "rest")
        self.setProperty("region", True)
        self._appearance = appearance
        self._icon = IconLabel(appearance, "plugins", "text-muted", "icon-large")
        self.install_button = QPushButton("Install a plugin…", self)
        self.install_button.clicked.connect(self.install_pressed)
        self._lay_out()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = text_label("Add what Hearth does not do yet", "strong")
        words = text_label(
            "A plugin teaches Hearth a model family, a task, a tool or a kind of picture model. Yours run in their own "
            "process, with what you allow them and nothing else. Drop a zip or a folder here, or make one:",
            is_muted=True,
        )
        command = QLabel(COMMAND)
        command.setFont(theme.font("mono"))
        command.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = IconButton(self._appearance, "copy", f"Copy the command {COMMAND}", small=True)
        copy.clicked.connect(lambda: self.copy_requested.emit(COMMAND))
        making = QHBoxLayout()
        making.setSpacing(theme.space("xs"))
        making.addWidget(command)
        making.addWidget(copy)
        making.addStretch(1)
        making.addWidget(self.install_button)
        column = QVBoxLayout()
        column.setSpacing(theme.space("xs"))
        column.addWidget(title)
        column.addWidget(words)
        column.addLayout(making)
        row = QHBoxLayout(self)
        edge = theme.space("l")
        row.setContentsMargins(edge, edge, edge, edge)
        row.setSpacing(edge)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
