"""DiscoverList: the card with the column titles and what can be found."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtWidgets import QWidget

from app.models.discover_delegate import DiscoverDelegate, discover_columns
from app.models.discover_model import DiscoverModel
from app.models.discover_rows import DiscoverRow
from app.theme import Appearance
from app.theme.widgets.table_card import TableCard

_TITLES: Final = ("Model", "Size", "Speed", "Fit on this computer", "")
_RIGHT: Final = frozenset({"Size", "Speed"})


class DiscoverList(TableCard[DiscoverModel]):
    """Models that can be fetched, under their captions.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, DiscoverModel(), _TITLES, _RIGHT, parent)
        self._set_delegate(DiscoverDelegate(appearance, self.view), "Models that can be fetched")
        self.view.verticalScrollBar().setSingleStep(appearance.theme.size("row-double") // 2)
        self._set_least_height()

    def columns(self, width: int) -> Sequence[tuple[int, int]]:
        """Left edge and width of each title."""
        return discover_columns(width)

    def show_rows(self, rows: Sequence[DiscoverRow]) -> None:
        """Show these, keeping the chosen one where it still is."""
        self.model.show_rows(rows)

    def choose_first(self) -> None:
        """Choose the first model if none is chosen."""
        if not self.chosen_id:
            super().choose_first()
            self.view.scrollToTop()  # its caption too
