"""MemoryCard: how much of the machine's memory models may take, and who holds it now."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.preferences.controller import Look, PreferencesController
from app.preferences.limit_row import MEMORY, AmountBox, StillSlider
from app.preferences.words import Holding, budget_words, holdings, memory_words, squeeze_words
from app.theme import Appearance
from app.theme.widgets import Card, ElidedLabel, Part, SegmentBar, Segmented, Swatch, quiet
from app.theme.widgets.labels import IconLabel, say
from app.usage import GIB, NBSP, gigabytes, limit_gigabytes

AUTOMATIC: Final = "Automatic"
OWN: Final = "My own limit"
_STEP_BYTES: Final = GIB // 4
_MOST_ROWS: Final = 7


class HoldingRow(QWidget):
    """Who, and how much: a line of the legend below the bar."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._swatch = Swatch(appearance, "chart-8", self)
        self._name = ElidedLabel("", self)
        self._size = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(self._swatch)
        row.addWidget(self._name, 1)
        row.addWidget(self._size)

    def show_holding(self, holding: Holding) -> None:
        """Show other numbers."""
        self._swatch.show_role(holding.role)
        say(self._name, holding.name)
        say(self._size, memory_words(holding.size_bytes))


class MemoryCard(Card):
    """A choice between what is free and a limit of one's own, and a bar with a legend.

    Attributes:
        mode: the choice.
        slider, box: the limit, roughly and exactly.
        bar: who holds the memory.
    """

    def __init__(
        self, appearance: Appearance, controller: PreferencesController, parent: QWidget | None = None
    ) -> None:
        super().__init__(appearance, "memory", "Memory for models", parent)
        self._appearance = appearance
        self._controller = controller
        self.mode = Segmented("Memory for models", (AUTOMATIC, OWN), self)
        self.slider = StillSlider(Qt.Orientation.Horizontal, self)
        self.box = AmountBox("Most memory for all models together", MEMORY, parent=self)
        self.bar = SegmentBar(appearance, "Memory of this computer", self)
        self._meaning = quiet("")
        self._squeeze = QWidget(self)
        self._squeeze_words = quiet("")
        self._used = QLabel(self)
        self.rows = [HoldingRow(appearance, self) for _ in range(_MOST_ROWS)]
        self._set_up()
        self._lay_out()

    def show_look(self, look: Look) -> None:
        """Show the memory as it is now, and the limit that is wanted."""
        limits = self._controller.limits or look.limits
        budget = limits.memory_budget_bytes
        self.mode.choose(AUTOMATIC if budget is None else OWN)
        self._show_budget(look.hardware.memory_budget_bytes if budget is None else budget, look.hardware.memory_bytes)
        for control in (self.slider, self.box):
            control.setEnabled(budget is not None)
            control.setToolTip("" if budget is not None else f"Choose “{OWN}” to change it.")
        say(self._meaning, budget_words(budget, look.hardware))
        warning = squeeze_words(budget, look.hardware)
        say(self._squeeze_words, warning)
        self._squeeze.setVisible(bool(warning))
        self._show_use(look, look.hardware.memory_budget_bytes if budget is None else budget)

    def _show_budget(self, budget_bytes: int, total_bytes: int) -> None:
        self.slider.blockSignals(True)
        self.slider.setRange(1, max(2, total_bytes // _STEP_BYTES))
        if not self.slider.isSliderDown():
            self.slider.setValue(round(budget_bytes / _STEP_BYTES))
        self.slider.blockSignals(False)
        self.box.show_bytes(budget_bytes)

    def _show_use(self, look: Look, budget_bytes: int) -> None:
        total = max(1, look.hardware.memory_bytes)
        held = holdings(look.hardware, look.loaded, look.cache)
        for row, holding in zip(self.rows, held, strict=False):
            row.show_holding(holding)
        for number, row in enumerate(self.rows):
            row.setVisible(number < len(held))
        latest = look.hardware.latest
        used = latest.memory_used_bytes if latest is not None else sum(holding.size_bytes for holding in held)
        say(self._used, f"{gigabytes(used)} of {limit_gigabytes(total)}{NBSP}GB used")
        said = ", ".join(f"{holding.name} {memory_words(holding.size_bytes)}" for holding in held)
        limit = f"models may take {limit_gigabytes(budget_bytes)}{NBSP}GB"
        parts = [Part(holding.size_bytes / total, holding.role) for holding in held]
        self.bar.set_parts(parts, f"{said}; {limit}", min(1.0, budget_bytes / total))

    # --------------------------------------------------------------------------------------------------------- changes

    def _on_mode(self, mode: str) -> None:
        look, limits = self._controller.look, self._controller.limits
        if look is None or limits is None:
            return
        if mode == AUTOMATIC:
            self._want(None)
        elif limits.memory_budget_bytes is None:
            steps = max(1, look.hardware.memory_budget_bytes // _STEP_BYTES)
            self._want(steps * _STEP_BYTES)

    def _want(self, budget_bytes: int | None) -> None:
        if (limits := self._controller.limits) is not None:
            self._controller.set_limits(replace(limits, memory_budget_bytes=budget_bytes))

    def _set_up(self) -> None:
        self.mode.picked.connect(self._on_mode)
        self.slider.setAccessibleName("Most memory for all models together")
        self.slider.setSingleStep(1)
        self.slider.setPageStep(4)
        self.slider.valueChanged.connect(lambda steps: self._want(steps * _STEP_BYTES))
        self.box.picked.connect(self._want)
        self._used.setProperty("muted", True)
        self._used.setProperty("role", "small")

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.head.addWidget(self.mode)
        limit = QHBoxLayout()
        limit.setSpacing(theme.space("m"))
        limit.addWidget(self.slider, 1)
        limit.addWidget(self.box)
        warning = QHBoxLayout(self._squeeze)
        warning.setContentsMargins(0, 0, 0, 0)
        warning.setSpacing(theme.space("s"))
        warning.addWidget(IconLabel(self._appearance, "warning", "warning"), 0, Qt.AlignmentFlag.AlignTop)
        warning.addWidget(self._squeeze_words, 1)
        use = QHBoxLayout()
        title = QLabel("In use now", self)
        title.setProperty("role", "label")
        use.addWidget(title, 1)
        use.addWidget(self._used)
        legend = QVBoxLayout()
        legend.setSpacing(theme.space("xs"))
        for row in self.rows:
            legend.addWidget(row)
        self.column.addLayout(limit)
        self.column.addWidget(self._meaning)
        self.column.addWidget(self._squeeze)
        self.column.addSpacing(theme.space("xs"))
        self.column.addLayout(use)
        self.column.addWidget(self.bar)
        self.column.addLayout(legend)
