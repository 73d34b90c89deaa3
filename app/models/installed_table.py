"""InstalledTable: the card with the column titles and the models; two thousand cost no more than twenty."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QListView, QVBoxLayout, QWidget

from app.models.installed_model import ROW_ROLE, InstalledModel
from app.models.row_delegate import RowDelegate
from app.models.rows import Row
from app.theme import Appearance

_TITLES: Final = ("Model", "Size", "Device", "Speed", "Fit on this computer", "State")
_RIGHT: Final = frozenset({"Size", "Speed"})
_LEAST_ROWS: Final = 2


class InstalledView(QListView):
    """The rows.

    Signals:
        open_pressed: Enter on the current row.
        remove_pressed: Delete on the current row.
        resized: the rows have another width.
    """

    open_pressed = Signal()
    remove_pressed = Signal()
    resized = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take Enter and Delete; leave the rest to Qt."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_pressed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.remove_pressed.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say it: the scroll bar takes its room from the rows."""
        super().resizeEvent(event)
        self.resized.emit()


class InstalledTable(QFrame):
    """Column titles above rows; remembers the chosen model by its id while rows come and go.

    Attributes:
        model: the rows.
        view: where they are shown.

    Signals:
        chosen: id of the row that is shown as chosen; empty for none.
        menu_wanted: a menu for the chosen row, at a place on the screen.

    Thread: UI only.
    """

    chosen = Signal(str)
    menu_wanted = Signal(QPoint)

    def __init__(self, appearance: Appearance, model: InstalledModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._appearance = appearance
        self._chosen = ""
        self.model = model
        self.view = InstalledView(self)
        self._head = QFrame(self)
        self._titles = [self._title(words) for words in _TITLES]
        self._nothing = QLabel(self)
        self._delegate = RowDelegate(appearance, self.view)
        self._set_up()
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.view.resized.connect(self._place_titles)
        appearance.changed.connect(self.view.viewport().update)

    @property
    def chosen_id(self) -> str:
        """Id of the chosen row; empty for none."""
        return self._chosen

    def show_rows(self, rows: Sequence[Row], nothing: str) -> None:
        """Show these, keeping the chosen one where it still is.

        Args:
            rows: in their order.
            nothing: said where there are none.
        """
        wanted, before = self._chosen, [self.model.row(at) for at in (0, self.model.rowCount() - 1)]
        count = self.model.rowCount()
        self.model.show_rows(rows)
        self._nothing.setText(nothing)
        self._nothing.setVisible(not rows)
        self.view.setVisible(bool(rows))
        if count != len(rows) or not count or before[0] is None:
            self.setMaximumHeight(self._wanted_height())
        if self.view.currentIndex().data(ROW_ROLE) is None:
            self._chosen = ""
            self.choose(wanted)
            if not self._chosen and wanted:
                self.chosen.emit("")

    def choose(self, model: str) -> None:
        """Choose a row; an unknown one leaves nothing chosen."""
        index = self.model.index_of(model)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def choose_first(self) -> None:
        """Choose the first row if none is chosen."""
        if not self._chosen and self.model.rowCount():
            self.view.setCurrentIndex(self.model.index(0))

    def repaint_rows(self) -> None:
        """Paint what can be seen again: what is beside the rows has changed."""
        self.view.viewport().update()

    def _set_up(self) -> None:
        theme, view = self._appearance.theme, self.view
        view.setModel(self.model)
        view.setItemDelegate(self._delegate)
        view.setAccessibleName("Installed models")
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu)
        view.setProperty("plain", True)
        view.verticalScrollBar().setSingleStep(theme.size("row-double") // 2)
        self._head.setProperty("head", True)
        self._head.setFixedHeight(theme.size("table-header"))
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._nothing.setMinimumHeight(_LEAST_ROWS * theme.size("row-double"))
        self._nothing.hide()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._nothing)
        column.addWidget(self.view, 1)
        theme = self._appearance.theme
        self.setMinimumHeight(theme.size("table-header") + _LEAST_ROWS * theme.size("row-double") + 2)

    def _title(self, words: str) -> QLabel:
        label = QLabel(words, self._head)
        label.setProperty("role", "small")
        label.setProperty("muted", True)
        if words in _RIGHT:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _place_titles(self) -> None:
        columns = self._delegate.columns(self.view.viewport().width())
        for label, (left, width) in zip(self._titles, columns, strict=True):
            label.setGeometry(left, 0, max(0, width), self._head.height() - 1)

    def _wanted_height(self) -> int:
        """Room for all rows."""
        theme = self._appearance.theme
        rows = self.model.rowCount() * theme.size("row-double") or self._nothing.minimumHeight()
        return min(theme.size("table-header") + rows + 2, 1 << 20)

    def _on_current(self, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        wanted = row.id if isinstance(row, Row) else ""
        if wanted != self._chosen:
            self._chosen = wanted
            self.chosen.emit(wanted)

    def _on_menu(self, where: QPoint) -> None:
        if self._chosen:
            self.menu_wanted.emit(self.view.viewport().mapToGlobal(where))
