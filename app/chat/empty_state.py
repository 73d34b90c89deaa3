"""EmptyState: what a new chat says, with prompts to begin with."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import Appearance

PROMPTS = (
    "What is Hearth?",
    "What is a generator in Python?",
    "Write a Python function that reverses a string.",
    "How do I open a file in Python?",
)


class EmptyState(QWidget):
    """Shown instead of a transcript without turns.

    Signals:
        chosen: a prompt to send.

    Thread: UI only.
    """

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._icon = QLabel(self)
        self._title = QLabel("Ask something", self)
        self._words = QLabel(self)
        self.buttons = [self._button(prompt) for prompt in PROMPTS]
        self._lay_out()
        self._restyle()
        appearance.changed.connect(self._restyle)

    def show_looking(self) -> None:
        """Say that it is not known yet who will answer."""
        self._show("Looking for models.", can_ask=False)

    def show_model(self, model: str, folder: Path) -> None:
        """Say who will answer; without a model, where to put one."""
        if not model:
            words = f"There is no model yet. Put a GGUF file into {folder}."
        elif model == "starter":
            words = "The starter model is small: it knows some Python, and what Hearth is. It runs on this computer."
        else:
            words = f"{model} answers on this computer. Nothing you write leaves it."
        self._show(words, can_ask=bool(model))

    def _show(self, words: str, *, can_ask: bool) -> None:
        self._words.setText(words)
        for button in self.buttons:
            button.setEnabled(can_ask)

    def _button(self, prompt: str) -> QPushButton:
        button = QPushButton(prompt, self)
        button.setAccessibleName(f"Ask: {prompt}")
        button.clicked.connect(lambda: self.chosen.emit(prompt))
        return button

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._title.setProperty("role", "title")
        self._words.setProperty("muted", True)
        self._words.setWordWrap(True)
        self._words.setFixedSize(theme.size("reading-width") * 2 // 3, 2 * theme.line("body") + theme.space("xs"))
        for label in (self._icon, self._title, self._words):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.setSpacing(theme.space("s"))
        for number, button in enumerate(self.buttons):
            grid.addWidget(button, number // 2, number % 2)
        whole = QVBoxLayout(self)
        whole.setSpacing(theme.space("s"))
        whole.addStretch(2)
        for label in (self._icon, self._title, self._words):
            whole.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addSpacing(theme.space("l"))
        centre = QWidget(self)
        centre.setLayout(grid)
        whole.addWidget(centre, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-large")
        self._icon.setPixmap(theme.icon("chat", "text-muted", edge).pixmap(edge, edge))
