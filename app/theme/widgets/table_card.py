"""TableCard: a card with column titles above rows, as high as its rows; it remembers which one is chosen."""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QListView, QStyledItemDelegate, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.keyed_rows import KeyedRows

Model = TypeVar("Model", bound=KeyedRows[Any])
_LEAST_ROWS: Final = 2
_MOST: Final = 1 << 20  # pixels; what a widget's height may be, and more than anybody scrolls


class RowsView(QListView):
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


class TableCard(QFrame, Generic[Model]):
    """Column titles above rows; remembers the chosen entry by its id while rows come and go.

    Attributes:
        model: the rows.
        view: where they are shown.

    Signals:
        chosen: id of the entry that is shown as chosen; empty for none.

    Thread: UI only.
    """

    chosen = Signal(str)

    def __init__(
        self,
        appearance: Appearance,
        model: Model,
        titles: Sequence[str],
        at_right: frozenset[str] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        """Make a card whose rows are painted as Qt does it, until it is given a delegate.

        Args:
            appearance: where colours and measures come from.
            model: the rows; the card takes one that lives nowhere else.
            titles: of the columns.
            at_right: titles of columns of numbers.
            parent: where it lives.
        """
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self._appearance = appearance
        self._chosen = ""
        self.model = model
        if model.parent() is None:
            model.setParent(self)
        self.view = RowsView(self)
        self._head = QFrame(self)
        self._titles = [self._title(words, words in at_right) for words in titles]
        self._nothing = QLabel(self)
        self._set_up()
        self._lay_out()
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.model.modelReset.connect(self._on_reset)
        self.view.resized.connect(self._place_titles)
        appearance.changed.connect(self.view.viewport().update)

    def columns(self, width: int) -> Sequence[tuple[int, int]]:
        """Left edge and width of each title, in a row of a width in pixels."""
        raise NotImplementedError

    @property
    def chosen_id(self) -> str:
        """Id of the chosen entry; empty for none."""
        return self._chosen

    def choose(self, key: str) -> None:
        """Choose an entry; an unknown one leaves nothing chosen."""
        index = self.model.index_of(key)
        self.view.setCurrentIndex(index)
        if index.isValid():
            self.view.scrollTo(index)

    def choose_first(self) -> None:
        """Choose the first entry if none is chosen."""
        if not self._chosen and self.model.count:
            places = range(self.model.rowCount())
            self.view.setCurrentIndex(self.model.index(next(at for at in places if self.model.entry(at) is not None)))

    def _set_delegate(self, delegate: QStyledItemDelegate, name: str) -> None:
        """Have a delegate paint the rows, which are named for those who do not see them."""
        self.view.setItemDelegate(delegate)
        self.view.setAccessibleName(name)

    def _say_nothing(self, words: str) -> None:
        """Have these words stand where there are no rows."""
        self._nothing.setText(words)

    def _set_least_height(self) -> None:
        """Keep room for two rows, however low the page is."""
        theme = self._appearance.theme
        self.setMinimumHeight(theme.size("table-header") + _LEAST_ROWS * theme.size("row-double") + 2)

    def _set_up(self) -> None:
        theme, view = self._appearance.theme, self.view
        view.setModel(self.model)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setProperty("plain", True)
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

    def _title(self, words: str, is_at_right: bool) -> QLabel:
        label = QLabel(words, self._head)
        label.setProperty("role", "small")
        label.setProperty("muted", True)
        if is_at_right:
            label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return label

    def _place_titles(self) -> None:
        columns = self.columns(self.view.viewport().width())
        for label, (left, width) in zip(self._titles, columns, strict=True):
            label.setGeometry(left, 0, max(0, width), self._head.height() - 1)

    def _fit_rows(self) -> None:
        """Be as high as all rows, or say that there are none."""
        theme, count = self._appearance.theme, self.model.count
        captions = self.model.rowCount() - count
        rows = captions * theme.size("table-header") + count * theme.size("row-double")
        self._nothing.setVisible(not count)
        self.view.setVisible(bool(count))
        self.setMaximumHeight(min(theme.size("table-header") + (rows or self._nothing.minimumHeight()) + 2, _MOST))

    def _on_current(self, index: QModelIndex) -> None:
        entry = self.model.entry(index.row())
        wanted = entry.id if entry is not None else ""
        if wanted != self._chosen:
            self._chosen = wanted
            self.chosen.emit(wanted)

    def _on_reset(self) -> None:
        self._fit_rows()
        wanted, self._chosen = self._chosen, ""
        self.choose(wanted)
        if not self._chosen and wanted:
            self.chosen.emit("")
