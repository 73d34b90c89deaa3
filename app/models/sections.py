"""What the sections of the detail pane are made of: a title with a line above it, and rows of a name and a value."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.models.details import Shown
from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.theme.widgets.labels import say, text_label

NAME_WIDTH: Final = 112


class Section(QFrame):
    """A title and what is below it.

    Attributes:
        head: the row of the title; more may stand at its right end.
        column: where the rest goes.
    """

    def __init__(self, appearance: Appearance, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("line", "top")
        self.setAccessibleName(title)
        theme = appearance.theme
        words = QLabel(title)
        words.setProperty("role", "strong")
        self.head = QHBoxLayout()
        self.head.setSpacing(theme.space("s"))
        self.head.addWidget(words)
        self.head.addStretch(1)
        self.column = QVBoxLayout()
        self.column.setSpacing(theme.space("s"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, theme.space("m"), 0, theme.space("m") + theme.space("xxs"))
        whole.setSpacing(theme.space("s"))
        whole.addLayout(self.head)
        whole.addLayout(self.column)


class ModelSection(Section):
    """A section that says something of any model, and hides where there is nothing to say."""

    def show_model(self, shown: Shown) -> None:
        """Show what this section says of a model."""
        raise NotImplementedError


class PairList(QWidget):
    """Names with a value each, the values in a column of their own; made once, and told other words after that."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[QLabel, ElidedLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(appearance.theme.space("m"))
        self._grid.setVerticalSpacing(appearance.theme.space("xs"))
        self._grid.setColumnStretch(1, 1)

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Show these; pairs without a value are left out."""
        said = [pair for pair in pairs if pair[1]]
        while len(self._rows) < len(said):
            self._add()
        for at, (name, value) in enumerate(self._rows):
            is_shown = at < len(said)
            if is_shown:
                say(name, said[at][0])
                say(value, said[at][1])
                value.setAccessibleName(f"{said[at][0]}: {said[at][1]}")
            name.setVisible(is_shown)
            value.setVisible(is_shown)
        self.setVisible(bool(said))

    def _add(self) -> None:
        name, value = text_label("", is_muted=True), ElidedLabel()
        name.setWordWrap(False)
        name.setFixedWidth(NAME_WIDTH)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        at = len(self._rows)
        self._grid.addWidget(name, at, 0)
        self._grid.addWidget(value, at, 1)
        self._rows.append((name, value))
