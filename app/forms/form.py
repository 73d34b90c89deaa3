"""FieldForm: a form drawn from fields, as plugins declare them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.forms.choice_inputs import ChoiceInput, FlagInput, ModelInput, ModelsInput
from app.forms.field_input import FieldInput, mark_invalid
from app.forms.file_input import FileInput
from app.forms.file_reader import FileReader
from app.forms.text_inputs import NumberInput, ParagraphInput, TextInput
from app.theme import Appearance
from engine import Field, Kind, ModelInfo, Value, Values

_DRAWN = frozenset(Kind) - {Kind.MARKDOWN, Kind.TABLE}  # those two are outputs only


class FieldForm(QWidget):
    """One row per field: its title, its help, its control, and what is wrong with it.

    A field that is filled in wrongly says so at once; one that is missing only after `show_problems`.

    Signals:
        changed: a value is another, or what is wrong with one.

    Thread: UI only.
    """

    changed = Signal()

    def __init__(
        self,
        appearance: Appearance,
        fields: Sequence[Field],
        files: FileReader | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Draw a form, filled with the defaults.

        Args:
            appearance: where the measures come from.
            fields: what to ask for; outputs-only kinds are left out.
            files: reads the files that are chosen; needed where a field is one.
            parent: where it lives.
        """
        super().__init__(parent)
        self._rows: dict[str, _Row] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(appearance.theme.space("l"))
        for field in fields:
            if field.kind in _DRAWN:
                row = _Row(appearance, field, _input_for(appearance, field, files), self)
                self._rows[field.name] = row
                column.addWidget(row)
                row.input.changed.connect(self._on_changed)

    def values(self) -> dict[str, Value]:
        """What is filled in, by field name; empty and wrong fields are left out."""
        values = {name: row.input.value() for name, row in self._rows.items() if not row.input.problem()}
        return {name: value for name, value in values.items() if value is not None}

    def set_values(self, values: Values) -> None:
        """Fill in; names that the form does not have, and values of another type, are left out."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].input.set_value(value)

    def problems(self) -> Mapping[str, str]:
        """What keeps the values from being used: a sentence or two by field name; empty if nothing does."""
        problems = {name: row.problem() for name, row in self._rows.items()}
        return {name: problem for name, problem in problems.items() if problem}

    def show_problems(self) -> bool:
        """Mark every field that has a problem, and give the keyboard to the first; return whether there is one."""
        first = None
        for row in self._rows.values():
            if row.show_problem(with_missing=True) and first is None:
                first = row
        if first is not None:
            first.input.target().setFocus(Qt.FocusReason.OtherFocusReason)
        return first is not None

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Offer these models in the fields that choose one."""
        for row in self._rows.values():
            if isinstance(row.input, ModelInput | ModelsInput):
                row.input.show_models(models)

    def focus_first(self) -> None:
        """Give the keyboard to the first field."""
        for row in self._rows.values():
            row.input.target().setFocus(Qt.FocusReason.OtherFocusReason)
            return

    def input_of(self, name: str) -> FieldInput:
        """The control of a field.

        Raises:
            KeyError: the form has no such field.
        """
        return self._rows[name].input

    def _on_changed(self) -> None:
        for row in self._rows.values():
            row.show_problem(with_missing=False)
        self.changed.emit()


class _Row(QWidget):
    def __init__(self, appearance: Appearance, field: Field, control: FieldInput, parent: QWidget) -> None:
        super().__init__(parent)
        self.input = control
        self._field = field
        self._asks = field.required and field.kind is not Kind.FLAG
        may_stay_empty = not field.required and field.kind is not Kind.FLAG and field.default in (None, "")
        optional = " (optional)" if may_stay_empty else ""
        title = _label(f"{field.title}{optional}", "label", self)
        title.setBuddy(control.target())
        self._problem = _label("", "small", self)
        self._problem.setProperty("problem", True)
        self._problem.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(appearance.theme.space("xs"))
        column.addWidget(title)
        if field.help:
            help_line = _label(field.help, "small", self)
            help_line.setProperty("muted", True)
            column.addWidget(help_line)
        column.addWidget(control)
        column.addWidget(self._problem)
        target = control.target()
        if not target.accessibleName():
            target.setAccessibleName(field.title)
        if field.default is not None:
            control.set_value(field.default)
        self._describe("")

    def problem(self) -> str:
        """What is wrong, or that something is missing."""
        return self.input.problem() or (self.input.missing if self._asks and self.input.value() is None else "")

    def show_problem(self, *, with_missing: bool) -> bool:
        """Mark what is wrong; return whether something is."""
        words = self.problem() if with_missing else self.input.problem()
        self._problem.setText(words)
        self._problem.setVisible(bool(words))
        mark_invalid(self.input.marked(), is_invalid=bool(words))
        self._describe(words)
        return bool(words)

    def _describe(self, problem: str) -> None:
        self.input.target().setAccessibleDescription(f"{self._field.help} {problem}".strip())


def _input_for(appearance: Appearance, field: Field, files: FileReader | None) -> FieldInput:
    if field.kind in (Kind.FILE, Kind.IMAGE):
        if files is None:
            raise ValueError(f"{field.name} needs somebody who reads files")
        return FileInput(appearance, files, field)
    if field.kind in (Kind.INTEGER, Kind.NUMBER):
        return NumberInput(appearance, field)
    if field.kind is Kind.FLAG:
        return FlagInput(appearance, field)
    if field.kind is Kind.CHOICE:
        return ChoiceInput(field)
    if field.kind is Kind.MODEL:
        return ModelInput(field)
    if field.kind is Kind.MODELS:
        return ModelsInput(appearance, field)
    return ParagraphInput(appearance, field) if field.multiline else TextInput(field)


def _label(text: str, role: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setProperty("role", role)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
