"""PluginTable: the card with the column titles and the plugins."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.plugins.list_delegate import PluginDelegate, columns_for
from app.plugins.list_model import PluginListModel
from app.theme import Appearance
from app.theme.widgets.table_card import TableCard


class PluginTable(TableCard[PluginListModel]):
    """The plugins, under their captions.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, PluginListModel(), ("Plugin", "Offers", "Runs", "State"), parent=parent)
        self._set_delegate(PluginDelegate(appearance, self.view), "Plugins")
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._say_nothing("No plugin matches this search.")

    def columns(self, width: int) -> Sequence[tuple[int, int]]:
        """Left edge and width of each title."""
        return columns_for(width, self._appearance)
