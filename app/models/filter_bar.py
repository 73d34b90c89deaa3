"""FilterBar: search, kinds with their counts, and how the table is sorted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QWidget

from app.models.rows import FILTERS, Filter, Order, Row, counts, tags_of
from app.theme import Appearance
from app.theme.widgets import Segmented

_MOST_TAGS: Final = 20  # in the menu; the search finds the others


class FilterBar(QWidget):
    """One row above the table.

    Attributes:
        search: words that the listed models must have.
        kinds: all of them, or those of a kind.
        sort: opens the menu.

    Signals:
        changed: `chosen` is another.
    """

    changed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("region", True)
        self._appearance = appearance
        self._chosen = Filter()
        self._rows: Sequence[Row] = ()
        self.search = QLineEdit(self)
        self._find = QAction(self.search)
        self.kinds = Segmented("Kind of model", FILTERS, self)
        self.sort = QPushButton(self)
        self._menu = QMenu(self.sort)
        self._set_up()
        self._restyle()
        appearance.changed.connect(self._restyle)

    @property
    def chosen(self) -> Filter:
        """What is to be shown, and in which order."""
        return self._chosen

    def show_counts(self, rows: Sequence[Row]) -> None:
        """Say how many models there are of each kind."""
        self._rows = rows
        for name, count in counts(rows).items():
            self.kinds.rename(name, f"{name} {count:,}")
        if self._chosen.tag and self._chosen.tag not in tags_of(rows):
            self._take(replace(self._chosen, tag=""))

    def focus_search(self) -> None:
        """Give the keyboard to the search, with its words selected."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def show_all(self) -> None:
        """Narrow nothing; the order stays."""
        self.search.clear()
        self.kinds.choose(FILTERS[0])
        self._take(Filter(order=self._chosen.order))

    def _set_up(self) -> None:
        theme = self._appearance.theme
        self.search.setPlaceholderText("Search installed models")
        self.search.setAccessibleName("Search installed models by name, kind, format or tag")
        self.search.setToolTip(f"Search installed models ({QKeySequence('Ctrl+F').toString()})")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)  # a file that is dropped here is meant for the page, too
        self.search.addAction(self._find, QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(lambda words: self._take(replace(self._chosen, words=words)))
        self.kinds.choose(FILTERS[0])
        self.kinds.picked.connect(lambda kind: self._take(replace(self._chosen, kind=kind)))
        edge = theme.size("control")
        self.sort.setFixedSize(edge, edge)
        self.sort.setIconSize(QSize(theme.size("icon-small"), theme.size("icon-small")))
        self.sort.setProperty("iconOnly", True)
        self.sort.setAccessibleName("Sort and narrow the list")
        self.sort.clicked.connect(self._open_menu)
        self._say_order()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("s"))
        row.addWidget(self.search, 1)
        row.addWidget(self.kinds)
        row.addWidget(self.sort)

    def _open_menu(self) -> None:
        menu = self._menu
        menu.clear()
        orders = QActionGroup(menu)
        for order in Order:
            entry = self._entry(order.value, order is self._chosen.order, replace(self._chosen, order=order))
            orders.addAction(entry)
        menu.addSeparator()
        only = self._chosen.favourites_only
        self._entry("Favourites only", only, replace(self._chosen, favourites_only=not only))
        for tag in tags_of(self._rows)[:_MOST_TAGS]:
            is_chosen = tag == self._chosen.tag
            words = f"Tag: {tag}".replace("&", "&&")
            self._entry(words, is_chosen, replace(self._chosen, tag="" if is_chosen else tag))
        menu.popup(self.sort.mapToGlobal(self.sort.rect().bottomLeft()))

    def _entry(self, words: str, is_checked: bool, chosen: Filter) -> QAction:
        entry = QAction(words, self._menu)
        entry.setCheckable(True)
        entry.setChecked(is_checked)
        entry.triggered.connect(lambda: self._take(chosen))
        self._menu.addAction(entry)
        return entry

    def _take(self, chosen: Filter) -> None:
        if chosen != self._chosen:
            self._chosen = chosen
            self._say_order()
            self.changed.emit()

    def _say_order(self) -> None:
        chosen = self._chosen
        more = [chosen.order.value]
        if chosen.favourites_only:
            more.append("favourites only")
        if chosen.tag:
            more.append(f"tag {chosen.tag}")
        self.sort.setToolTip(f"Sorted: {', '.join(more)}")
        self.sort.setAccessibleDescription(f"Now: {', '.join(more)}")

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self._find.setIcon(theme.icon("search", "text-muted", edge))
        self.sort.setIcon(theme.icon("sort", "text", edge))
