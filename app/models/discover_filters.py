"""DiscoverFilters: what is looked for: words, what for, how large, of which kind, under which licence."""

from collections.abc import Sequence
from functools import partial
from typing import Final, cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from app.models.hub_menu import HubMenu
from app.models.hub_settings import HubSettings
from app.models.hub_words import SORTS, TASKS, stated_licence
from app.models.words import size_words
from app.theme import Appearance
from app.theme.widgets import IconButton, Switch
from app.theme.widgets.labels import say
from engine import HubQuery, Sort

_SIZES: Final = (500_000_000, 1_000_000_000, 2_000_000_000, 4_000_000_000, 8_000_000_000, 16_000_000_000)
_QUANTIZATIONS: Final = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "IQ4_XS", "Q3_K_M", "F16", "INT8", "INT4")
_LICENCES: Final = ("apache-2.0", "mit", "gpl-3.0", "cc-by-4.0", "llama3.2", "gemma")
_LETTERS: Final = 7  # of a choice, at least, before it is shortened
Choices = Sequence[tuple[str, object]]


class DiscoverFilters(QWidget):
    """A row for words and a row for everything else. Typing asks nobody; Enter asks the hub.

    Attributes:
        search: the words.
        ask_button: asks the hub, or gives that up.
        sort: opens the orders.
        combos: by what they narrow.
        fits: leaves out what does not fit this computer.
        menu: what holds for the hub and all downloads.

    Signals:
        changed: `query` is another.
        ask_pressed: ask the hub.
        cancel_pressed: give up asking it.
    """

    changed = Signal()
    ask_pressed = Signal()
    cancel_pressed = Signal()

    def __init__(self, appearance: Appearance, settings: HubSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("region", True)
        self._appearance = appearance
        self._is_asking = False
        self._sort = Sort.DOWNLOADS
        self.search = QLineEdit(self)
        self._find = QAction(self.search)
        self.ask_button = QPushButton("Search the hub", self)
        self.menu = HubMenu(settings, self)
        self._menu_button = IconButton(appearance, "more", "Settings of the hub and of downloads", parent=self)
        sizes = [(f"Up to {size_words(size)}", size) for size in _SIZES]
        self.combos = {
            "task": self._combo("For any task", "What it is for", [(title, name) for name, title in TASKS.items()]),
            "most_bytes": self._combo("Any size", "Largest size", sizes),
            "quantization": self._combo("Any type", "Type of the weights", [(name, name) for name in _QUANTIZATIONS]),
            "format": self._combo("Any format", "Format", [("GGUF", "gguf"), ("ONNX", "onnx")]),
            "licence": self._combo("Any licence", "Licence", [(stated_licence(name), name) for name in _LICENCES]),
        }
        self.sort = QPushButton(self)
        self.fits = Switch(appearance, "Show only what fits this computer", self)
        self._count = QLabel(self)
        self._lay_out()
        self._connect()
        self._restyle()
        appearance.changed.connect(self._restyle)

    @property
    def query(self) -> HubQuery:
        """What is looked for."""
        values = {name: combo.currentData() for name, combo in self.combos.items()}
        return HubQuery(
            text=" ".join(self.search.text().split()),
            task=cast("str", values["task"]) or "",
            format=cast("str", values["format"]) or "",
            quantization=cast("str", values["quantization"]) or "",
            licence=cast("str", values["licence"]) or "",
            most_bytes=cast("int", values["most_bytes"]) or 0,
            fits_only=self.fits.isChecked(),
            sort=self._sort,
        )

    def clear(self) -> None:
        """Look for anything, in the same order."""
        parts = (self.search, self.fits, *self.combos.values())
        for part in parts:
            part.blockSignals(True)
        self.search.clear()
        self.fits.setChecked(False)
        for combo in self.combos.values():
            combo.setCurrentIndex(0)
        for part in parts:
            part.blockSignals(False)
        self.changed.emit()

    def show_asking(self, is_asking: bool, host: str) -> None:
        """Turn the button into one that gives up, or back.

        Args:
            is_asking: whether the hub is being asked.
            host: of the hub; said where nothing is asked yet.
        """
        self._is_asking = is_asking
        self.ask_button.setText("Cancel" if is_asking else "Search the hub")
        self.ask_button.setAccessibleName("Give up the search" if is_asking else f"Search {host}")
        self.ask_button.setToolTip("" if is_asking else f"Asks {host} (Enter). Typing alone asks nobody.")

    def show_count(self, recommended: int, found: int) -> None:
        """Say how many models are listed."""
        said = [f"{recommended} recommended" if recommended else "", f"{found} on the hub" if found else ""]
        say(self._count, " · ".join(filter(None, said)))

    def focus_search(self) -> None:
        """Give the keyboard to the search, with its words selected."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _combo(self, anything: str, name: str, choices: Choices) -> QComboBox:
        combo = QComboBox(self)
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        combo.addItem(anything, None)
        for words, value in choices:
            combo.addItem(words, value)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(_LETTERS)
        combo.setMinimumWidth(1)
        return combo

    def _connect(self) -> None:
        self.search.textChanged.connect(self.changed)
        self.search.returnPressed.connect(self.ask_pressed)
        self.ask_button.clicked.connect(self._on_button)
        self.fits.toggled.connect(self.changed)
        self._menu_button.clicked.connect(self._open_menu)
        self.sort.clicked.connect(self._open_orders)
        for combo in self.combos.values():
            combo.currentIndexChanged.connect(self.changed)

    def _on_button(self) -> None:
        (self.cancel_pressed if self._is_asking else self.ask_pressed).emit()

    def _open_menu(self) -> None:
        self.menu.popup(self._menu_button.mapToGlobal(self._menu_button.rect().bottomLeft()))

    def _open_orders(self) -> None:
        menu = QMenu(self.sort)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for sort, words in SORTS.items():
            entry = QAction(words, menu, checkable=True, checked=sort is self._sort)
            entry.triggered.connect(partial(self._order_by, sort))
            menu.addAction(entry)
        menu.popup(self.sort.mapToGlobal(self.sort.rect().bottomLeft()))

    def _order_by(self, sort: Sort, _checked: bool = False) -> None:
        self._sort = sort
        self._say_order()
        self.changed.emit()

    def _say_order(self) -> None:
        self.sort.setToolTip(f"Order of what the hub finds: {SORTS[self._sort].lower()}")
        self.sort.setAccessibleDescription(f"Now: {SORTS[self._sort].lower()}")

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("control")
        self.sort.setFixedSize(edge, edge)
        self.sort.setProperty("iconOnly", True)
        self.sort.setAccessibleName("Order of what the hub finds")
        self._say_order()
        self._count.setProperty("muted", True)
        self._count.setProperty("role", "small")
        self.search.setPlaceholderText("Search models by name, or by what they do")
        self.search.setAccessibleName("Search models by name, or by what they do")
        self.search.setToolTip(f"Search ({QKeySequence('Ctrl+F').toString()})")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)  # a file that is dropped here is meant for the page, too
        self.search.addAction(self._find, QLineEdit.ActionPosition.LeadingPosition)
        words = QHBoxLayout()
        words.setSpacing(theme.space("s"))
        words.addWidget(self.search, 1)
        words.addWidget(self.ask_button)
        words.addWidget(self.sort)
        words.addWidget(self._menu_button)
        choices = QHBoxLayout()
        choices.setSpacing(theme.space("s"))
        for name, combo in self.combos.items():
            choices.addWidget(combo, 3 if name == "task" else 2)
        fits = QHBoxLayout()
        fits.setSpacing(theme.space("s"))
        fits.addWidget(QLabel("Only what fits this computer", self))
        fits.addWidget(self.fits)
        fits.addStretch(1)
        fits.addWidget(self._count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("s"))
        column.addLayout(words)
        column.addLayout(choices)
        column.addLayout(fits)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self._find.setIcon(theme.icon("search", "text-muted", edge))
        self.sort.setIcon(theme.icon("sort", "text", edge))
        self.sort.setIconSize(QSize(edge, edge))
