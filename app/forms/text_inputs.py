"""TextInput, ParagraphInput and NumberInput: fields that are typed into."""

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QWidget

from app.forms.field_input import FieldInput
from app.theme import Appearance
from engine import Field, Kind, Value

_ROWS = 5
_NUMBER_WIDTH = 160
_STEPS = 20  # of the arrow keys, from the least to the most


class TextInput(FieldInput):
    """One line of text."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._edit = QLineEdit(self)
        _fill(self, self._edit)
        self._edit.textChanged.connect(self.changed)

    def value(self) -> Value | None:
        """The text; an empty one only where a field with a default was emptied."""
        return _text_value(self._edit.text(), self._field)

    def set_value(self, value: Value) -> None:
        """Show a text."""
        if isinstance(value, str):
            self._edit.setText(value)

    def problem(self) -> str:
        """Say if it is too long."""
        return _length_problem(len(self._edit.text()), self._field)

    def target(self) -> QWidget:
        """The line."""
        return self._edit


class ParagraphInput(FieldInput):
    """Several lines of text; Tab leaves it."""

    def __init__(self, appearance: Appearance, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._field = field
        self._edit = QPlainTextEdit(self)
        self._edit.setProperty("field", True)
        self._edit.setTabChangesFocus(True)
        _fill(self, self._edit)
        self._fit()
        appearance.changed.connect(self._fit)
        self._edit.textChanged.connect(self.changed)

    def value(self) -> Value | None:
        """The text; an empty one only where a field with a default was emptied."""
        return _text_value(self._edit.toPlainText(), self._field)

    def set_value(self, value: Value) -> None:
        """Show a text."""
        if isinstance(value, str):
            self._edit.setPlainText(value)

    def problem(self) -> str:
        """Say if it is too long."""
        return _length_problem(self._edit.document().characterCount() - 1, self._field)

    def target(self) -> QWidget:
        """The text area."""
        return self._edit

    def _fit(self) -> None:
        line = QFontMetrics(self._appearance.theme.font("body")).lineSpacing()
        self._edit.setFixedHeight(_ROWS * line + 2 * self._appearance.theme.space("s"))


class NumberInput(FieldInput):
    """A number; the arrow keys change it by a step."""

    def __init__(self, appearance: Appearance, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._edit = QLineEdit(self)
        self._edit.setFixedWidth(_NUMBER_WIDTH)
        self._edit.setInputMethodHints(Qt.InputMethodHint.ImhFormattedNumbersOnly)
        self._range = QLabel(range_words(field), self)
        self._range.setProperty("role", "small")
        self._range.setProperty("muted", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(self._edit)
        row.addWidget(self._range, 1)
        self._edit.textChanged.connect(self.changed)

    def value(self) -> Value | None:
        """The number, if it is one in range."""
        number = self._number()
        return None if number is None or self._range_problem(number) else number

    def set_value(self, value: Value) -> None:
        """Show a number."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._edit.setText(_words(value))

    def problem(self) -> str:
        """Say if it is no number, or out of range."""
        if not self._edit.text().strip():
            return ""
        number = self._number()
        if number is None:
            kind = "whole number" if self._field.kind is Kind.INTEGER else "number"
            return f"This is not a {kind}."
        return self._range_problem(number)

    def target(self) -> QWidget:
        """The line."""
        return self._edit

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step up and down."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self._step(step)

    def _step(self, direction: int) -> None:
        least, most = self._field.least, self._field.most
        size = 1.0
        if self._field.kind is Kind.NUMBER:
            size = (most - least) / _STEPS if least is not None and most is not None else 0.1
        number = self._number()
        wanted = (number + direction * size) if number is not None else (least or 0.0)
        if least is not None:
            wanted = max(least, wanted)
        if most is not None:
            wanted = min(most, wanted)
        self._edit.setText(_words(round(wanted) if self._field.kind is Kind.INTEGER else round(wanted, 6)))

    def _number(self) -> int | float | None:
        text = self._edit.text().strip().replace("\u00a0", "").replace(" ", "")
        try:
            if self._field.kind is Kind.INTEGER:
                return int(text.replace(",", ""))  # as large numbers are written
            number = float(text.replace(",", "."))
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def _range_problem(self, number: float) -> str:
        least, most = self._field.least, self._field.most
        is_outside = (least is not None and number < least) or (most is not None and number > most)
        return f"Use {range_words(self._field).lower()}." if is_outside else ""


def range_words(field: Field) -> str:
    """Say which numbers a field takes: "1 to 10", "at least 1"; empty for any."""
    if field.least is not None and field.most is not None:
        return f"{_grouped(field.least)} to {_grouped(field.most)}"
    if field.least is not None:
        return f"at least {_grouped(field.least)}"
    return f"at most {_grouped(field.most)}" if field.most is not None else ""


def _grouped(number: float) -> str:
    return f"{int(number):,}" if float(number).is_integer() and abs(number) < 1e15 else _words(number)


def _words(number: float) -> str:
    if isinstance(number, int) or (number.is_integer() and abs(number) < 1e15):
        return str(int(number))
    return f"{number:.6g}"


def _text_value(text: str, field: Field) -> str | None:
    if text.strip():
        return text
    return "" if field.default and not field.required else None


def _length_problem(length: int, field: Field) -> str:
    if field.most is None or length <= field.most:
        return ""
    return f"This has {length:,} characters. Use {int(field.most):,} or less."


def _fill(outer: QWidget, inner: QWidget) -> None:
    row = QHBoxLayout(outer)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(inner)
