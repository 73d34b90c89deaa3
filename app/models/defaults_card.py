"""DefaultsCard: what a person sets for one model: context, device, memory, sampling; it counts from the next load."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from app.models.details import Shown
from app.models.sections import NAME_WIDTH, ModelSection
from app.models.words import GIGA, is_text
from app.theme import Appearance
from app.theme.widgets.labels import say, text_label
from app.usage import NBSP
from engine import ModelCard, ModelDefaults, Sampling

_LEAST_CONTEXT: Final = 16
_MOST_GB: Final = 4096.0
_AUTOMATIC: Final = "Automatic"


class NumberBox(QDoubleSpinBox):
    """A number that the wheel does not change; its lowest value stands for nothing set.

    Signals:
        picked: a number that the person has entered; None for nothing.
    """

    picked = Signal(object)

    def __init__(
        self, name: str, most: float, step: float, *, decimals: int, unit: str = "", can_be_zero: bool = False
    ) -> None:
        super().__init__()
        self._least = -step if can_be_zero else 0.0
        self.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self.setGroupSeparatorShown(True)
        self.setDecimals(decimals)
        self.setRange(self._least, most)
        self.setSingleStep(step)
        self.setSuffix(f"{NBSP}{unit}" if unit else "")
        self.setKeyboardTracking(False)  # half a number is no setting
        self.setAccessibleName(name)
        self.lineEdit().setTextMargins(7, 0, 7, 0)
        self.valueChanged.connect(self._on_value)

    def show_number(self, number: float | None, usual: str) -> None:
        """Show a number, or in words what holds without one."""
        self.blockSignals(True)
        self.setSpecialValueText(usual)
        self.setValue(self._least if number is None else number)
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()

    def _on_value(self, value: float) -> None:
        self.picked.emit(None if value <= self._least else max(0.0, value))


class QuietCombo(QComboBox):
    """A list that the wheel does not change."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class DefaultsCard(ModelSection):
    """Each change is kept at once.

    Attributes:
        context, memory, temperature, top_p, top_k: numbers; empty ones leave it to the engine.
        device: where it must run.
        reset: takes all of it back.

    Signals:
        changed: other `ModelDefaults`.
    """

    changed = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "For this model", parent)
        self._appearance = appearance
        self._defaults = ModelDefaults()
        self._usual = Sampling()
        self._devices: dict[str, str] = {}
        self.reset = QPushButton("Reset", self)
        self.reset.setProperty("small", True)
        self.reset.setAccessibleName("Take back what is set for this model")
        self.reset.clicked.connect(lambda: self.changed.emit(ModelDefaults(is_pinned=self._defaults.is_pinned)))
        self.head.addWidget(self.reset)
        self.context = NumberBox("Context in tokens", 1 << 24, 512, decimals=0, unit="tokens")
        self.device = QuietCombo()
        self.device.setAccessibleName("Device that it must run on")
        self.memory = NumberBox("Most memory that it may take", _MOST_GB, 0.5, decimals=2, unit="GB")
        self.temperature = NumberBox("Temperature", 5.0, 0.1, decimals=2, can_be_zero=True)
        self.top_p = NumberBox("Top p", 1.0, 0.05, decimals=2, can_be_zero=True)
        self.top_k = NumberBox("Top k", 100_000, 10, decimals=0, can_be_zero=True)
        self._note = text_label("", "small", is_muted=True)
        self._rows: list[tuple[QLabel, QWidget]] = []
        self._lay_out()
        self._connect()

    def show_model(self, shown: Shown) -> None:
        """Show what is set for a model."""
        card = shown.row.card
        self.setVisible(card is not None and not shown.row.is_refused)
        if card is not None:
            self._show_card(card, shown.devices)

    def _show_card(self, card: ModelCard, devices: Mapping[str, str]) -> None:
        info, defaults = card.info, card.defaults
        self._defaults, self._usual = defaults, info.sampling
        writes = is_text(info.accepts)
        most = info.context_tokens or 0
        self.context.setMaximum(float(most) if most else float(1 << 24))
        self.context.show_number(defaults.context_tokens, _AUTOMATIC)
        self.context.setToolTip(f"It was trained for up to {most:,} tokens." if most else "")
        budget = defaults.memory_budget_bytes
        self.memory.show_number(budget / GIGA if budget is not None else None, _AUTOMATIC)
        sampling = defaults.sampling
        for box, number, usual in (
            (self.temperature, sampling.temperature if sampling else None, info.sampling.temperature),
            (self.top_p, sampling.top_p if sampling else None, info.sampling.top_p),
            (self.top_k, sampling.top_k if sampling else None, info.sampling.top_k),
        ):
            box.show_number(number, f"{usual:g}, as its author says")
        self._show_devices(devices, defaults.device)
        for at, (name, box_) in enumerate(self._rows):
            is_shown = writes or at in (1, 2)
            name.setVisible(is_shown)
            box_.setVisible(is_shown)
        self.reset.setVisible(replace(defaults, is_pinned=False) != ModelDefaults())
        paged = " If it needs more memory than it may take, the rest of it is read from the disk." if budget else ""
        say(self._note, f"It counts from the next load on.{paged}")

    def _show_devices(self, devices: Mapping[str, str], chosen: str) -> None:
        wanted = {"": _AUTOMATIC, **devices, **({chosen: chosen} if chosen and chosen not in devices else {})}
        self.device.blockSignals(True)
        if wanted != self._devices:
            self._devices = wanted
            self.device.clear()
            for device, title in wanted.items():
                self.device.addItem(title, device)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self.device.blockSignals(False)

    def _connect(self) -> None:
        self.context.picked.connect(self._on_context)
        self.memory.picked.connect(
            lambda size: self._set(memory_budget_bytes=None if size is None else round(size * GIGA))
        )
        self.device.activated.connect(lambda: self._set(device=self.device.currentData() or ""))
        self.temperature.picked.connect(lambda number: self._sample(temperature=number))
        self.top_p.picked.connect(lambda number: self._sample(top_p=number))
        self.top_k.picked.connect(lambda number: self._sample(top_k=None if number is None else round(number)))

    def _on_context(self, tokens: float | None) -> None:
        self._set(context_tokens=None if tokens is None else max(_LEAST_CONTEXT, round(tokens)))

    def _sample(self, **changes: float | None) -> None:
        """One number of the sampling; those that are as the author says do not keep the others from following that."""
        usual = self._usual
        numbers = {name: getattr(usual, name) if value is None else value for name, value in changes.items()}
        sampling = replace(self._defaults.sampling or usual, **numbers)  # type: ignore[arg-type]
        self._set(sampling=None if sampling == usual else sampling)

    def _set(self, **changes: object) -> None:
        defaults = replace(self._defaults, **changes)  # type: ignore[arg-type]  # names of fields, with their types
        if defaults != self._defaults:
            self._defaults = defaults
            self.changed.emit(defaults)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        theme = self._appearance.theme
        grid.setHorizontalSpacing(theme.space("m"))
        grid.setVerticalSpacing(theme.space("s"))
        grid.setColumnStretch(1, 1)
        for words, box in (
            ("Context", self.context),
            ("Device", self.device),
            ("Memory", self.memory),
            ("Temperature", self.temperature),
            ("Top p", self.top_p),
            ("Top k", self.top_k),
        ):
            name = QLabel(words)
            name.setProperty("muted", True)
            name.setFixedWidth(NAME_WIDTH)
            name.setBuddy(box)
            grid.addWidget(name, len(self._rows), 0)
            grid.addWidget(box, len(self._rows), 1)
            self._rows.append((name, box))
        self.column.addLayout(grid)
        note = QHBoxLayout()
        note.addWidget(self._note)
        self.column.addLayout(note)
