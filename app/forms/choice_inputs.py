"""FlagInput, ChoiceInput and the two that choose models."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.forms.field_input import FieldInput
from app.theme import Appearance
from app.theme.widgets import Segmented, Switch
from engine import Field, ModelInfo, Value

_MOST_SEGMENTS = 4
_MOST_SEGMENT_CHARS = 48  # of all segments together: more would not fit a narrow form
_MOST_ROWS = 6
_COMBO_WIDTH = 256


class FlagInput(FieldInput):
    """On or off."""

    def __init__(self, appearance: Appearance, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._switch = Switch(appearance, field.title, self)
        _left(self, self._switch)
        self._switch.toggled.connect(self.changed)

    def value(self) -> Value | None:
        """Whether it is on."""
        return self._switch.isChecked()

    def set_value(self, value: Value) -> None:
        """Switch."""
        if isinstance(value, bool):
            self._switch.setChecked(value)

    def target(self) -> QWidget:
        """The switch."""
        return self._switch


class ChoiceInput(FieldInput):
    """One of a few words: segments for up to four short ones, a list for more."""

    missing = "Choose one."

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        are_short = len(field.choices) <= _MOST_SEGMENTS and sum(map(len, field.choices)) <= _MOST_SEGMENT_CHARS
        self._segments: Segmented | None = None
        self._combo: QComboBox | None = None
        if are_short and (field.required or field.default is not None):
            self._segments = Segmented(field.title, field.choices, self)
            self._segments.picked.connect(self.changed)
            _left(self, self._segments)
        else:
            self._combo = _combo(self)
            if not field.required and field.default is None:
                self._combo.addItem("Not chosen", None)
            for choice in field.choices:
                self._combo.addItem(choice, choice)
            self._combo.setCurrentIndex(-1 if field.required else 0)
            self._combo.currentIndexChanged.connect(self.changed)
            _left(self, self._combo)

    def value(self) -> Value | None:
        """The word that is chosen."""
        if self._segments is not None:
            return self._segments.choice
        data = self._combo.currentData() if self._combo is not None else None
        return data if isinstance(data, str) else None

    def set_value(self, value: Value) -> None:
        """Choose."""
        if self._segments is not None and isinstance(value, str):
            self._segments.choose(value)
            self.changed.emit()
        elif self._combo is not None:
            _choose(self._combo, value)

    def target(self) -> QWidget:
        """The segments or the list."""
        return self._segments or self._combo or self


class ModelInput(FieldInput):
    """One of the models that take what the field says; the first one unless another was chosen."""

    missing = "Choose a model."

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._wanted = ""
        self._combo = _combo(self)
        self._none = QLabel(none_words(field), self)
        self._none.setWordWrap(True)
        self._none.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._combo, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._none)
        self._combo.activated.connect(self._on_activated)
        self._combo.currentIndexChanged.connect(self.changed)

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Offer these models, as far as they are fit; keeps the choice where it is still there."""
        fit = fit_models(models, self._field)
        self._combo.blockSignals(True)
        self._combo.clear()
        if not self._field.required:
            self._combo.addItem("Not chosen", "")
        for model in fit:
            self._combo.addItem(model.id, model.id)
            self._combo.setItemData(self._combo.count() - 1, model.name, Qt.ItemDataRole.ToolTipRole)
        self._combo.setCurrentIndex(0)
        _choose(self._combo, self._wanted)
        self._combo.blockSignals(False)
        self._combo.setVisible(bool(fit))
        self._none.setVisible(not fit and not self._field.required)  # a required one says it as its problem
        self.changed.emit()

    def value(self) -> Value | None:
        """Id of the model."""
        return self._combo.currentData() or None

    def set_value(self, value: Value) -> None:
        """Choose a model; one that is not there yet is chosen once it is."""
        if isinstance(value, str):
            self._wanted = value
            _choose(self._combo, value)

    def problem(self) -> str:
        """Say if there is none to choose."""
        return none_words(self._field) if self._field.required and not self._combo.count() else ""

    def target(self) -> QWidget:
        """The list."""
        return self._combo

    def _on_activated(self) -> None:
        self._wanted = str(self._combo.currentData())


class ModelsInput(FieldInput):
    """Several of the models that take what the field says."""

    missing = "Choose at least one model."

    def __init__(self, appearance: Appearance, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._field = field
        self._wanted: set[str] = set()
        self._boxes: list[QCheckBox] = []
        self._none = QLabel(none_words(field), self)
        self._none.setWordWrap(True)
        self._list = QWidget(self)
        self._rows = QVBoxLayout(self._list)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._list)
        self._list.setAutoFillBackground(False)
        self._area.viewport().setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._area)
        column.addWidget(self._none)
        self.show_models(())

    def show_models(self, models: Sequence[ModelInfo]) -> None:
        """Offer these models, as far as they are fit; keeps what is chosen."""
        for box in self._boxes:
            box.hide()
            box.deleteLater()
        self._boxes.clear()
        height = self._appearance.theme.size("hit-min")
        for model in fit_models(models, self._field):
            box = QCheckBox(model.id, self._list)
            box.setChecked(model.id in self._wanted)
            box.setFixedHeight(height)
            box.setToolTip(model.name)
            box.setAccessibleName(f"{self._field.title}: {model.id}")
            box.toggled.connect(self._on_toggled)
            self._rows.addWidget(box)
            self._boxes.append(box)
        self._area.setFixedHeight(height * min(_MOST_ROWS, len(self._boxes)))
        self._area.setVisible(bool(self._boxes))
        self._none.setVisible(not self._boxes and not self._field.required)  # a required one says it as its problem
        self.changed.emit()

    def value(self) -> Value | None:
        """Ids of the chosen models, in the order of the list."""
        return tuple(box.text() for box in self._boxes if box.isChecked()) or None

    def set_value(self, value: Value) -> None:
        """Choose models; those that are not there yet are chosen once they are."""
        if isinstance(value, tuple):
            for box in self._boxes:
                box.setChecked(box.text() in value)
            self._wanted = set(value)  # last: each box that is ticked says its own

    def problem(self) -> str:
        """Say if there is none to choose."""
        return none_words(self._field) if self._field.required and not self._boxes else ""

    def target(self) -> QWidget:
        """The first model."""
        return self._boxes[0] if self._boxes else self._area

    def marked(self) -> QWidget:
        """The list."""
        return self._area

    def _on_toggled(self) -> None:
        self._wanted = {box.text() for box in self._boxes if box.isChecked()}
        self.changed.emit()


def fit_models(models: Sequence[ModelInfo], field: Field) -> list[ModelInfo]:
    """Those models that take what a field asks for."""
    return [model for model in models if not field.accepts or field.accepts in model.accepts]


def none_words(field: Field) -> str:
    """What to say where no model is fit."""
    kinds = {
        "messages": "can talk",
        "prompt": "continues text",
        "suffix": "fills gaps in text",
        "texts": "makes vectors of texts",
        "image": "looks at pictures",
    }
    what = f"No model that {kinds[field.accepts]} was found." if field.accepts in kinds else "No model was found."
    return f"{what} Put one into Hearth's models folder and come back."


class _Combo(QComboBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the wheel scrolls the form; it changes no choice on its way


def _combo(parent: QWidget) -> QComboBox:
    combo = _Combo(parent)
    combo.setMinimumWidth(_COMBO_WIDTH)
    combo.setPlaceholderText("Choose one")
    return combo


def _choose(combo: QComboBox, value: object) -> None:
    at = combo.findData(value)
    if at >= 0:
        combo.setCurrentIndex(at)


def _left(outer: QWidget, inner: QWidget) -> None:
    row = QHBoxLayout(outer)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(inner)
    row.addStretch(1)
