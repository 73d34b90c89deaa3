"""Rows of the detail pane. They are made once and say other words for another plugin: widgets are slow to make."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.theme.widgets.labels import IconLabel, say, text_label

_NUMBER_WIDTH = 180
_TITLE_WIDTH = 112


class Point(NamedTuple):
    """An icon in the colour of a role, a bold title, and a quiet text; either may be empty."""

    icon: str
    role: str
    title: str
    text: str = ""


class PointRow(QWidget):
    """Shows one point."""

    def __init__(self, appearance: Appearance, point: Point) -> None:
        super().__init__()
        theme = appearance.theme
        self._icon = IconLabel(appearance, point.icon, point.role)
        self._title = text_label("", "strong")
        self._text = text_label("")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._text)
        mark = QVBoxLayout()
        mark.setContentsMargins(0, theme.space("xxs"), 0, 0)
        mark.addWidget(self._icon)
        mark.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("m"))
        row.addLayout(mark)
        row.addLayout(words, 1)
        self._text.setProperty("muted", bool(point.title))  # a text that stands alone is not quiet
        self.show_point(point)

    def show_point(self, point: Point) -> None:
        """Show another one of the same shape."""
        self._icon.show_icon(point.icon, point.role)
        say(self._title, point.title)
        say(self._text, point.text)
        self._title.setVisible(bool(point.title))
        self._text.setVisible(bool(point.text))


class PointList(QWidget):
    """Points below each other."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self._appearance = appearance
        self._rows: list[PointRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(appearance.theme.space("m"))

    def show_points(self, points: Sequence[Point]) -> None:
        """Show these, all of one shape."""
        for row, point in zip(self._rows, points, strict=False):
            row.show_point(point)
            row.show()
        for point in points[len(self._rows) :]:
            row = PointRow(self._appearance, point)
            self._rows.append(row)
            self._column.addWidget(row)
            row.show()
        for row in self._rows[len(points) :]:
            row.hide()
        self.setVisible(bool(points))


class PairList(QWidget):
    """Titles with a value each, the values in a column of their own."""

    def __init__(self, appearance: Appearance, *, are_numbers: bool = False) -> None:
        super().__init__()
        self._rows: list[tuple[QLabel, ElidedLabel]] = []
        self._are_numbers = are_numbers
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(appearance.theme.space("l"))
        self._grid.setVerticalSpacing(appearance.theme.space("xs"))
        self._grid.setColumnStretch(0 if are_numbers else 1, 1)

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Show these; where only a value is another, nothing around it moves."""
        while len(self._rows) < len(pairs):
            self._add()
        for at, (title, value) in enumerate(self._rows):
            if at < len(pairs):
                say(title, pairs[at][0])
                say(value, pairs[at][1])
            title.setVisible(at < len(pairs))
            value.setVisible(at < len(pairs))
        self.setVisible(bool(pairs))

    def _add(self) -> None:
        title, value = text_label("", is_muted=True), ElidedLabel()
        if self._are_numbers:
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setMinimumWidth(_NUMBER_WIDTH)
        else:
            title.setFixedWidth(_TITLE_WIDTH)
        at = len(self._rows)
        self._grid.addWidget(title, at, 0)
        self._grid.addWidget(value, at, 1)
        self._rows.append((title, value))
