"""LimitRow: what is used of a limit, as a bar and a number, and the limit, which can be changed."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QWidget

from app.preferences.words import GIGABYTE, MIB, disk_words, memory_words
from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar
from app.theme.widgets.labels import say
from app.usage import GIB, NBSP

_NAME_WIDTH: Final = 72
_USED_WIDTH: Final = 72
_SPIN_WIDTH: Final = 96


@dataclass(frozen=True, slots=True)
class Unit:
    """In what a limit is counted.

    Attributes:
        name: such as `GB`.
        size_bytes: of one.
        step: of the arrow keys.
        most: largest limit.
        decimals: that are shown.
    """

    name: str
    size_bytes: int
    step: float
    most: float
    decimals: int


DISK: Final = Unit("GB", GIGABYTE, 0.5, 10_000, 1)
SMALL_MEMORY: Final = Unit("MB", MIB, 16, 65_536, 0)
MEMORY: Final = Unit("GB", GIB, 0.5, 10_000, 1)


class AmountBox(QDoubleSpinBox):
    """A number of bytes in a unit; the wheel scrolls the page and changes nothing on its way.

    Signals:
        picked: bytes that the person has entered.
    """

    picked = Signal(object)  # an int of Qt's has 32 bits

    def __init__(self, name: str, unit: Unit, zero: str = "", parent: QWidget | None = None) -> None:
        """Make a box.

        Args:
            name: what the number is, for those who do not see it.
            unit: in what it is counted.
            zero: said in place of 0; empty where it may not be 0.
            parent: where it lives.
        """
        super().__init__(parent)
        self._unit = unit
        self._shown_bytes = -1
        self.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self.setGroupSeparatorShown(True)
        self.setDecimals(unit.decimals)
        self.setRange(0.0 if zero else unit.step, unit.most)
        self.setSingleStep(unit.step)
        self.setSuffix(f"{NBSP}{unit.name}")
        self.setSpecialValueText(zero)
        self.setKeyboardTracking(False)  # half a number is no limit
        self.setFixedWidth(_SPIN_WIDTH)
        self.setAccessibleName(name)
        self.lineEdit().setTextMargins(7, 0, 7, 0)
        self.lineEdit().setAlignment(Qt.AlignmentFlag.AlignRight)
        self.valueChanged.connect(self._on_value)

    def show_bytes(self, size_bytes: int) -> None:
        """Show another number; one that is shown already leaves alone what is being typed."""
        if size_bytes != self._shown_bytes:
            self._shown_bytes = size_bytes
            self.blockSignals(True)
            self.setValue(size_bytes / self._unit.size_bytes)
            self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()

    def _on_value(self, value: float) -> None:
        self._shown_bytes = round(value * self._unit.size_bytes)
        self.picked.emit(self._shown_bytes)


class StillSlider(QSlider):
    """A slider that the wheel does not move."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the page."""
        event.ignore()


class LimitRow(QWidget):
    """A name, a bar, what is used, and the limit.

    Attributes:
        bar: what is used.
        box: the limit.

    Signals:
        picked: bytes of another limit.
    """

    picked = Signal(object)

    def __init__(self, appearance: Appearance, name: str, what: str, unit: Unit, parent: QWidget | None = None) -> None:
        """Make a row.

        Args:
            appearance: gives the looks.
            name: where: `On disk`.
            what: is kept there: `kept answers`.
            unit: in what the limit is counted.
            parent: where it lives.
        """
        super().__init__(parent)
        self._name, self._what = name, what
        self._words = disk_words if unit is DISK else memory_words
        self.bar = SegmentBar(appearance, f"{name}: {what}", self)
        self.box = AmountBox(f"Most {name.split()[-1]} for {what}", unit, "none", self)
        self.box.picked.connect(self.picked)
        self._used = QLabel(self)
        self._used.setFixedWidth(_USED_WIDTH)
        self._used.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        title = QLabel(name, self)
        title.setFixedWidth(_NAME_WIDTH)
        of = QLabel("of", self)
        of.setProperty("muted", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(title)
        row.addWidget(self.bar, 1)
        row.addWidget(self._used)
        row.addWidget(of)
        row.addWidget(self.box)

    def show_use(self, used_bytes: int, limit_bytes: int) -> None:
        """Show what is used, and the limit."""
        used = self._words(used_bytes)
        say(self._used, used)
        self.box.show_bytes(limit_bytes)
        share = min(1.0, used_bytes / limit_bytes) if limit_bytes else 0.0
        self.bar.set_parts((Part(share, "chart-5"),), f"{self._what} take {used} of {self._words(limit_bytes)}")
