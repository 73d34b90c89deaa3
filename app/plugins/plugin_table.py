"""PluginTable: the card with the column titles and the plugins."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QListView, QVBoxLayout, QWidget

from app.plugins.list_delegate import PluginDelegate, columns_for
from app.plugins.list_model import INFO_ROLE, PluginListModel
from app.theme import Appearance
from engine import PluginInfo


class PluginView(QListView):
    """The rows.

    Signals:
        open_pressed: Enter, or a click, on the current row.
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


class PluginTable(QFrame):
    """Column titles above rows; remembers the chosen plugin by its id while rows come and go.

    Attributes:
        model: the rows.
        view: where they are shown.

    Signals:
        chosen: id of the plugin that is shown as chosen; empty for none.
    """

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._appearance = appearance
        self._chosen = ""
        self.model = PluginListModel(self)
        self.view = PluginView(self)
        self._head = QFrame(self)
        self._titles = [self._title(words) for words in ("Plugin", "Offers", "Runs", "State")]
        self._nothing = QLabel("No plugin matches this search.", self)
        self._set_up()
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.model.modelReset.connect(self._on_reset)
        self.view.resized.connect(self._place_titles)
        appearance.changed.connect(self.view.viewport().update)

    @property
    def chosen_id(self) -> str:
        """Id of the chosen plugin; empty for none."""
        return self._chosen

    def choose(self, plugin: str) -> None:
        """Choose a plugin; an unknown one leaves nothing chosen."""
        index = self.model.index_of(plugin)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def choose_first(self) -> None:
        """Choose the first plugin if none is chosen."""
        if not self._chosen and self.model.count:
            self.view.setCurrentIndex(self.model.index(1))

    def _set_up(self) -> None:
        theme = self._appearance.theme
        view = self.view
        view.setModel(self.model)
        view.setItemDelegate(PluginDelegate(self._appearance, view))
        view.setAccessibleName("Plugins")
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setProperty("plain", True)
        self._head.setProperty("head", True)
        self._head.setFixedHeight(theme.size("table-header"))
        self._nothing.setProperty("muted", True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setMinimumHeight(2 * theme.size("row-double"))
        self._nothing.hide()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._nothing)
        column.addWidget(self.view, 1)

    def _title(self, words: str) -> QLabel:
        label = QLabel(words, self._head)
        label.setProperty("role", "small")
        label.setProperty("muted", True)
        return label

    def _place_titles(self) -> None:
        columns = columns_for(self.view.viewport().width(), self._appearance)
        for label, (left, width) in zip(self._titles, columns, strict=True):
            label.setGeometry(left, 0, max(0, width), self._head.height())

    def _wanted_height(self) -> int:
        """Room for all rows."""
        theme = self._appearance.theme
        captions = self.model.rowCount() - self.model.count
        rows = captions * theme.size("table-header") + self.model.count * theme.size("row-double")
        return theme.size("table-header") + (rows or self._nothing.minimumHeight()) + 2

    def _on_current(self, index: QModelIndex) -> None:
        info = index.data(INFO_ROLE)
        wanted = info.id if isinstance(info, PluginInfo) else ""
        if wanted != self._chosen:
            self._chosen = wanted
            self.chosen.emit(wanted)

    def _on_reset(self) -> None:
        self._nothing.setVisible(not self.model.count)
        self.view.setVisible(bool(self.model.count))
        self.setMaximumHeight(self._wanted_height())
        wanted, self._chosen = self._chosen, ""
        self.choose(wanted)
        if not self._chosen and wanted:
            self.chosen.emit("")
