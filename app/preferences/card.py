"""Card: the frame of one group of settings, and the rows that groups share."""

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.preferences.words import Figure
from app.theme import Appearance
from app.theme.widgets.labels import IconLabel, say, text_label


class Card(QFrame):
    """Icon and title in one row, and a column for the rest.

    Attributes:
        head: the row; more may stand at its right end.
        column: where the rest goes.
    """

    def __init__(self, appearance: Appearance, icon: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setAccessibleName(title)
        theme = appearance.theme
        self.head = QHBoxLayout()
        self.head.setSpacing(theme.space("s"))
        words = QLabel(title, self)
        words.setProperty("role", "strong")
        self.head.addWidget(IconLabel(appearance, icon, "text-muted", "icon"))
        self.head.addWidget(words)
        self.head.addStretch(1)
        self.head.addStrut(theme.size("control") + 2)  # the highest of what stands there: segments
        self.column = QVBoxLayout(self)
        edge = theme.space("l")
        self.column.setContentsMargins(edge, theme.space("m"), edge, edge)
        self.column.setSpacing(theme.space("m"))
        self.column.addLayout(self.head)


class FigureRow(QWidget):
    """Numbers with their titles side by side, in columns that do not move."""

    def __init__(self, appearance: Appearance, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = appearance.theme
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("l"))
        self._labels: list[tuple[QLabel, QLabel]] = []
        for _ in range(count):
            title, number = QLabel(self), QLabel(self)
            title.setProperty("role", "caption")
            title.setProperty("muted", True)
            number.setProperty("role", "strong")
            for label, style in ((title, "caption"), (number, "strong")):
                label.setMinimumWidth(1)
                label.setFixedHeight(theme.line(style))
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(title)
            pair.addWidget(number)
            row.addLayout(pair, 1)
            self._labels.append((title, number))

    def show_figures(self, figures: Sequence[Figure]) -> None:
        """Show other numbers."""
        for (title, number), figure in zip(self._labels, figures, strict=True):
            say(title, figure.title)
            say(number, figure.words)
            for label in (title, number):
                label.setToolTip(figure.tip)
            number.setAccessibleName(f"{figure.title}: {figure.words}")
            number.setAccessibleDescription(figure.tip)


def quiet(words: str) -> QLabel:
    """A sentence that explains, below a title."""
    return text_label(words, "small", is_muted=True)


def delete_button(name: str, parent: QWidget) -> QPushButton:
    """A small button that asks before it deletes; `name` says what."""
    button = QPushButton("Delete…", parent)
    button.setProperty("small", True)
    button.setProperty("kind", "danger")
    button.setAccessibleName(name)
    return button
