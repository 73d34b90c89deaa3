"""InstalledTable: the card with the column titles and the models; two thousand cost no more than twenty."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QWidget

from app.models.installed_model import InstalledModel
from app.models.row_delegate import RowDelegate
from app.models.rows import Row
from app.theme import Appearance
from app.theme.widgets.table_card import TableCard

_TITLES: Final = ("Model", "Size", "Device", "Speed", "Fit on this computer", "State")
_RIGHT: Final = frozenset({"Size", "Speed"})


class InstalledTable(TableCard[InstalledModel]):
    """The installed models.

    Signals:
        menu_wanted: a menu for the chosen row, at a place on the screen.

    Thread: UI only.
    """

    menu_wanted = Signal(QPoint)

    def __init__(self, appearance: Appearance, model: InstalledModel, parent: QWidget | None = None) -> None:
        super().__init__(appearance, model, _TITLES, _RIGHT, parent)
        self._delegate = RowDelegate(appearance, self.view)
        self._set_delegate(self._delegate, "Installed models")
        self.view.setUniformItemSizes(True)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.view.verticalScrollBar().setSingleStep(appearance.theme.size("row-double") // 2)
        self._set_least_height()

    def columns(self, width: int) -> Sequence[tuple[int, int]]:
        """Left edge and width of each title."""
        return self._delegate.columns(width)

    def show_rows(self, rows: Sequence[Row], nothing: str) -> None:
        """Show these, keeping the chosen one where it still is.

        Args:
            rows: in their order.
            nothing: said where there are none.
        """
        self.model.show_rows(rows)
        self._say_nothing(nothing)
        self._fit_rows()  # nothing is reset where there is nothing from the beginning

    def repaint_rows(self) -> None:
        """Paint what can be seen again: what is beside the rows has changed."""
        self.view.viewport().update()

    def _on_menu(self, where: QPoint) -> None:
        if self.chosen_id:
            self.menu_wanted.emit(self.view.viewport().mapToGlobal(where))
