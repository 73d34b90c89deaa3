"""DiscoverList: the card with the column titles and what can be found."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QListView, QVBoxLayout, QWidget

from app.models.discover_delegate import DiscoverDelegate, discover_columns
from app.models.discover_model import FIND_ROLE, DiscoverModel
from app.models.discover_rows import DiscoverRow, Find
from app.theme import Appearance

_TITLES: Final = ("Model", "Size", "Speed", "Fit on this computer", "")
_RIGHT: Final = frozenset({"Size", "Speed"})
_LEAST_ROWS: Final = 2


class DiscoverRows(QListView):
    """The rows.

    Signals:
        open_pressed: Enter on the current row.
        resized: the rows have another width.
    """

    open_pressed = Signal()
    resized = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take Enter; leave the rest to Qt."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_pressed.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say it: the scroll bar takes its room from the rows."""
        super().resizeEvent(event)
        self.resized.emit()


class DiscoverList(QFrame):
    """Column titles above rows; remembers the chosen model while rows come and go.

    Attributes:
        model: the rows.
        view: where they are shown.

    Signals:
        chosen: id of the model that is shown as chosen; empty for none.
    """

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._appearance = appearance
        self._chosen = ""
        self.model = DiscoverModel(self)
        self.view = DiscoverRows(self)
        self._head = QFrame(self)
        self._titles = [self._title(words) for words in _TITLES]
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.resized.connect(self._place_titles)
        appearance.changed.connect(self.view.viewport().update)

    @property
    def chosen_id(self) -> str:
        """Id of the chosen model; empty for none."""
        return self._chosen

    def show_rows(self, rows: Sequence[DiscoverRow]) -> None:
        """Show these, keeping the chosen one where it still is."""
        count, wanted = self.model.rowCount(), self._chosen
        self.model.show_rows(rows)
        if count != len(rows):
            self.setMaximumHeight(self._wanted_height())
        if self.view.currentIndex().data(FIND_ROLE) is None:
            self._chosen = ""
            self.choose(wanted)
            if not self._chosen and wanted:
                self.chosen.emit("")

    def choose(self, find: str) -> None:
        """Choose a model; an unknown one leaves nothing chosen."""
        index = self.model.index_of(find)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def choose_first(self) -> None:
        """Choose the first model if none is chosen."""
        first = next((row.id for row in self.model.rows if isinstance(row, Find)), "")
        if not self._chosen and first:
            self.choose(first)
            self.view.scrollToTop()  # its caption too

    def _lay_out(self) -> None:
        theme, view = self._appearance.theme, self.view
        view.setModel(self.model)
        view.setItemDelegate(DiscoverDelegate(self._appearance, view))
        view.setAccessibleName("Models that can be fetched")
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setProperty("plain", True)
        view.verticalScrollBar().setSingleStep(theme.size("row-double") // 2)
        self._head.setProperty("head", True)
        self._head.setFixedHeight(theme.size("table-header"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(view, 1)
        self.setMinimumHeight(theme.size("table-header") + _LEAST_ROWS * theme.size("row-double") + 2)

    def _title(self, words: str) -> QLabel:
        label = QLabel(words, self._head)
        label.setProperty("role", "small")
        label.setProperty("muted", True)
        if words in _RIGHT:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _place_titles(self) -> None:
        columns = discover_columns(self.view.viewport().width())
        for label, (left, width) in zip(self._titles, columns, strict=True):
            label.setGeometry(left, 0, max(0, width), self._head.height() - 1)

    def _wanted_height(self) -> int:
        """Room for all rows."""
        theme = self._appearance.theme
        finds = sum(isinstance(row, Find) for row in self.model.rows)
        captions = len(self.model.rows) - finds
        rows = captions * theme.size("table-header") + finds * theme.size("row-double")
        return min(theme.size("table-header") + rows + 2, 1 << 20)

    def _on_current(self, index: QModelIndex) -> None:
        find = index.data(FIND_ROLE)
        wanted = find.id if isinstance(find, Find) else ""
        if wanted != self._chosen:
            self._chosen = wanted
            self.chosen.emit(wanted)
