"""What cards of settings share: numbers in a row, and the button that deletes."""

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.preferences.words import Figure
from app.theme import Appearance
from app.theme.widgets.labels import say


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


def delete_button(name: str, parent: QWidget) -> QPushButton:
    """A small button that asks before it deletes; `name` says what."""
    button = QPushButton("Delete…", parent)
    button.setProperty("small", True)
    button.setProperty("kind", "danger")
    button.setAccessibleName(name)
    return button
