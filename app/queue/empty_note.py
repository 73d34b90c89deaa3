"""EmptyNote: why a list is empty, and what to do next."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import Appearance

_WIDEST = 440


class EmptyNote(QWidget):
    """An icon, a sentence, another, and buttons, in the middle.

    Signals:
        pressed: words of the button that was pressed.
    """

    pressed = Signal(str)

    def __init__(
        self, appearance: Appearance, icon: str, parent: QWidget | None = None, buttons: Sequence[str] = ()
    ) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._icon_name = icon
        self._icon = QLabel(self)
        self._title = QLabel(self)
        self._words = QLabel(self)
        self.buttons = [QPushButton(words, self) for words in buttons]
        self._lay_out()
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def say(self, title: str, words: str) -> None:
        """Say why, in one sentence, and what to do, in another."""
        for label, said in ((self._title, title), (self._words, words)):
            if label.text() != said:
                label.setText(said)

    @property
    def title(self) -> str:
        """The sentence that says why."""
        return self._title.text()

    def show_buttons(self, are_shown: bool) -> None:
        """Offer the buttons, or not."""
        for button in self.buttons:
            button.setVisible(are_shown)

    def _on_pressed(self, button: QPushButton, _checked: bool = False) -> None:
        self.pressed.emit(button.text())

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        middle = Qt.AlignmentFlag.AlignHCenter
        self._title.setProperty("role", "strong")
        self._words.setProperty("muted", True)
        for label in (self._title, self._words):
            label.setWordWrap(True)
            label.setAlignment(middle)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMaximumWidth(_WIDEST)
        row = QHBoxLayout()
        row.setSpacing(theme.space("s"))
        row.addStretch(1)
        for button in self.buttons:
            button.clicked.connect(partial(self._on_pressed, button))
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), theme.space("l"))
        column.setSpacing(theme.space("s"))
        column.addStretch(1)
        column.addWidget(self._icon, 0, middle)
        for label in (self._title, self._words):
            centred = QHBoxLayout()
            centred.addStretch(1)
            centred.addWidget(label, 100)
            centred.addStretch(1)
            column.addLayout(centred)
        column.addLayout(row)
        column.addStretch(2)

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-large")
        self._icon.setPixmap(theme.icon(self._icon_name, "text-muted", edge).pixmap(edge, edge))
