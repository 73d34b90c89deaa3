"""RefusedNote: which rule a file breaks, why that matters, and what to do about it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.models.rows import Row
from app.theme import Appearance
from app.theme.widgets.labels import IconLabel, say, text_label


class RefusedNote(QFrame):
    """Hidden for a model that can be used.

    Attributes:
        again: tries it out once more.

    Signals:
        again_pressed: try it out once more.
        folder_pressed: show the file.
    """

    again_pressed = Signal()
    folder_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("banner", "bad")
        theme = appearance.theme
        self._title = text_label("", "strong")
        self._cause = text_label("", can_copy=True)
        self._remedy = text_label("", can_copy=True)
        self.again = QPushButton("Try it again", self)
        self._folder = QPushButton("Show in folder", self)
        for button, signal in ((self.again, self.again_pressed), (self._folder, self.folder_pressed)):
            button.setProperty("small", True)
            button.clicked.connect(signal)
        words = QVBoxLayout()
        words.setSpacing(theme.space("xs"))
        for label in (self._title, self._cause, self._remedy):
            words.addWidget(label)
        press = QHBoxLayout()
        press.setContentsMargins(0, theme.space("xs"), 0, 0)
        press.setSpacing(theme.space("s"))
        press.addWidget(self.again)
        press.addWidget(self._folder)
        press.addStretch(1)
        words.addLayout(press)
        mark = QVBoxLayout()
        mark.setContentsMargins(0, theme.space("xxs"), 0, 0)
        mark.addWidget(IconLabel(appearance, "error", "danger"))
        mark.addStretch(1)
        row = QHBoxLayout(self)
        edge = theme.space("m")
        row.setContentsMargins(edge, edge, edge, edge)
        row.setSpacing(edge)
        row.addLayout(mark)
        row.addLayout(words, 1)

    def show_row(self, row: Row) -> None:
        """Show why a file cannot be used."""
        self.setVisible(row.is_refused)
        if not row.is_refused:
            return
        title = f"It breaks the rule “{row.rule}”." if row.rule else "It cannot be used."
        say(self._title, title)
        say(self._cause, row.cause)
        say(self._remedy, row.remedy)
        self._remedy.setVisible(bool(row.remedy))
        self.again.setVisible(row.card is not None)
        self.setAccessibleName(f"{title} {row.cause} {row.remedy}".strip())
