"""CompareTable: two models side by side, a row for each fact; differences are said in words."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.models.compare_words import Compared
from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.theme.widgets.labels import IconLabel, say

_ROW: Final = 30
TITLE: Final = 196
"""Pixels of the column with what is compared."""
NOTE: Final = 176
"""Pixels of the column with the differences."""
BAR: Final = 12
"""Pixels of the scroll bar."""


class CompareRow:
    """The labels of one fact, made once."""

    def __init__(self, appearance: Appearance, grid: QGridLayout, at: int) -> None:
        self.title = ElidedLabel()
        self.title.setProperty("muted", True)
        self.title.setFixedWidth(TITLE)
        self.values = (ElidedLabel(), ElidedLabel())
        self.marks = (IconLabel(appearance, "check", "success"), IconLabel(appearance, "check", "success"))
        self.note = ElidedLabel("", None, Qt.TextElideMode.ElideRight)
        self.note.setFixedWidth(NOTE)
        self._line = QFrame()
        self._line.setProperty("line", "top")
        self._line.setFixedHeight(1)
        grid.addWidget(self._line, 2 * at, 0, 1, 6)
        grid.setRowMinimumHeight(2 * at + 1, _ROW)
        for column, widget in enumerate(self._widgets):
            grid.addWidget(widget, 2 * at + 1, column, Qt.AlignmentFlag.AlignVCenter)
        for value in self.values:
            value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def _widgets(self) -> tuple[QLabel, ...]:
        return (self.title, self.marks[0], self.values[0], self.marks[1], self.values[1], self.note)

    def show_fact(self, fact: Compared | None) -> None:
        """Show a fact; None hides the row."""
        for widget in (*self._widgets, self._line):
            widget.setVisible(fact is not None)
        if fact is None:
            return
        say(self.title, fact.title)
        for side, (label, words) in enumerate(zip(self.values, (fact.left, fact.right), strict=True)):
            say(label, words)
            is_better = fact.better == (-1 if side == 0 else 1)
            self.marks[side].setVisible(is_better)
            label.setAccessibleName(f"{fact.title}: {words}{', the better one' if is_better else ''}")
            _set_role(label, "strong" if fact.is_other else "body")
        say(self.note, f"≠ {fact.note}" if fact.is_other else "")
        self.note.setAccessibleName(f"{fact.title}: {fact.note or 'no difference'}")


class CompareTable(QScrollArea):
    """Rows that scroll.

    Attributes:
        rows: as many as were ever needed.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.rows: list[CompareRow] = []
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, appearance.theme.space("m"), 0)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(appearance.theme.space("s"))
        self._grid.setVerticalSpacing(0)
        for mark, value in ((1, 2), (3, 4)):
            self._grid.setColumnMinimumWidth(mark, appearance.theme.size("icon-small"))
            self._grid.setColumnStretch(value, 1)
        column.addLayout(self._grid)
        column.addStretch(1)
        self.setWidget(body)
        body.setAutoFillBackground(False)
        self.viewport().setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # the titles above stand over the columns
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Facts of both models")

    def show_facts(self, facts: Sequence[Compared]) -> None:
        """Show these."""
        while len(self.rows) < len(facts):
            self.rows.append(CompareRow(self._appearance, self._grid, len(self.rows)))
        for at, row in enumerate(self.rows):
            row.show_fact(facts[at] if at < len(facts) else None)


def _set_role(label: QLabel, role: str) -> None:
    if label.property("role") != role:
        label.setProperty("role", role)
        label.style().unpolish(label)
        label.style().polish(label)
