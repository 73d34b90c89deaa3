"""PlacementTable: the devices that a model could run on, one of them chosen."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from app.hardware.placement_words import PlacementLine
from app.theme import Appearance
from app.theme.widgets import Chip

_TITLES: Final = ("Device", "Layers there", "First token", "Speed", "Memory")
_WIDTHS: Final = (92, 92, 100, 84)  # of the columns with numbers
_INDENT: Final = 24  # of the note: below the title, beside the radio button


class PlacementTable(QFrame):
    """Rows with a radio button each; made anew for each report, since a dialog shows few of them.

    Signals:
        picked: id of the device that the person wants; empty for Hearth's choice.
    """

    picked = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._appearance = appearance
        self._group = QButtonGroup(self)
        self._rows = QWidget(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(1, 1, 1, 1)
        self._column.addWidget(self._rows)

    @property
    def buttons(self) -> list[QRadioButton]:
        """One per row."""
        return [button for button in self._group.buttons() if isinstance(button, QRadioButton)]

    def show_lines(self, lines: Sequence[PlacementLine], chosen: str, *, are_texts: bool) -> None:
        """Show rows.

        Args:
            lines: the first is Hearth's choice.
            chosen: id of the device that the person has chosen; empty for Hearth's choice.
            are_texts: whether the model writes tokens, which pictures' models do not.
        """
        focused = next((button.property("device") for button in self.buttons if button.hasFocus()), None)
        for button in self.buttons:
            self._group.removeButton(button)
        self._rows.hide()
        self._rows.deleteLater()
        self._rows = QWidget(self)
        grid = QGridLayout(self._rows)
        self._prepare(grid)
        self._add_head(grid, are_texts)
        for line in lines:
            self._add_line(grid, line, is_chosen=line.device == chosen)
        self._column.addWidget(self._rows)
        self._rows.show()
        for button in self.buttons:
            if focused is not None and button.property("device") == focused:
                button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _prepare(self, grid: QGridLayout) -> None:
        theme = self._appearance.theme
        edge = theme.space("l")
        grid.setContentsMargins(edge, 0, edge, theme.space("s"))
        grid.setHorizontalSpacing(theme.space("m"))
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        for number, width in enumerate(_WIDTHS, 1):
            grid.setColumnMinimumWidth(number, width)

    def _add_head(self, grid: QGridLayout, are_texts: bool) -> None:
        for number, title in enumerate(_TITLES):
            words = title if are_texts or number != 2 else "Result after"
            label = _label(words, is_muted=True)
            label.setFixedHeight(self._appearance.theme.size("table-header"))
            grid.addWidget(label, 0, number, _side(number))

    def _add_line(self, grid: QGridLayout, line: PlacementLine, *, is_chosen: bool) -> None:
        theme = self._appearance.theme
        row = grid.rowCount()
        rule = QFrame(self._rows)
        rule.setProperty("line", "top")
        rule.setFixedHeight(1)
        grid.addWidget(rule, row, 0, 1, len(_TITLES))
        grid.addWidget(self._title(line, is_chosen=is_chosen), row + 1, 0)
        for number, words in enumerate((line.layers, line.first, line.speed, line.memory), 1):
            label = _label(words, is_small=False)
            label.setEnabled(line.is_possible)
            label.setContentsMargins(0, theme.space("xs"), 0, 0)
            if number == 2:
                label.setToolTip(line.tip)
            grid.addWidget(label, row + 1, number, _side(number))
        note = _label(line.note, is_muted=True)
        note.setWordWrap(True)
        note.setContentsMargins(_INDENT, 0, 0, theme.space("s"))
        grid.addWidget(note, row + 2, 0, 1, len(_TITLES))

    def _title(self, line: PlacementLine, *, is_chosen: bool) -> QWidget:
        theme = self._appearance.theme
        title = QWidget(self._rows)
        row = QHBoxLayout(title)
        row.setContentsMargins(0, theme.space("xs"), 0, 0)
        row.setSpacing(theme.space("s"))
        button = QRadioButton(line.title, title)
        button.setProperty("device", line.device)
        button.setMinimumHeight(theme.size("hit-min"))
        button.setEnabled(line.is_possible or is_chosen)
        numbers = (("layers there", line.layers), ("first", line.first), ("speed", line.speed), ("memory", line.memory))
        button.setAccessibleName(f"Run it on {line.title}" if line.device else "Let Hearth choose")
        said = ", ".join(f"{name} {words}" for name, words in numbers if words)
        button.setAccessibleDescription(f"{said}. {line.note}".removeprefix(". "))
        button.setChecked(is_chosen)
        button.clicked.connect(lambda: self.picked.emit(line.device))
        self._group.addButton(button)
        row.addWidget(button)
        if line.is_next:
            row.addWidget(Chip("Next request", "accent", title))
        row.addStretch(1)
        return title


def _label(words: str, *, is_muted: bool = False, is_small: bool = True) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if is_small:
        label.setProperty("role", "small")
    label.setProperty("muted", is_muted)
    return label


def _side(column: int) -> Qt.AlignmentFlag:
    middle = Qt.AlignmentFlag.AlignVCenter
    return middle | (Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft)
