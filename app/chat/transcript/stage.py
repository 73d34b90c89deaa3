"""Stage: the ground that the blocks of a transcript stand on; makes, measures and places their widgets."""

from collections.abc import Iterable
from time import perf_counter

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.chat.transcript.block_factory import BlockFactory
from app.chat.transcript.items import Column, Item, Kind
from app.markdown.read_only_text import ReadOnlyText
from app.theme import Appearance


class Stage(QWidget):
    """Opaque, so that scrolling moves pixels instead of painting them again.

    Attributes:
        column: where the blocks stand.
        factory: makes their widgets.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self.column = Column(appearance.theme.space("l"))
        self.factory = BlockFactory(appearance, self)
        self._appearance = appearance
        self._left = 0
        self._width = appearance.theme.size("reading-width")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    @property
    def column_width(self) -> int:
        """Width of the column in pixels."""
        return self._width

    @property
    def widget_count(self) -> int:
        """How many blocks exist as widgets now."""
        return sum(item.widget is not None for item in self.column.items)

    def set_column(self, left: int, width: int) -> None:
        """Move the column, and lay out again what has a widget if its width changed."""
        is_wider_or_narrower = width != self._width
        self._left, self._width = left, width
        for at, item in enumerate(self.column.items):
            if is_wider_or_narrower:
                item.is_exact = False
                if item.widget is not None:
                    self.measure(at)
        self.place()

    def build(self, at: int) -> None:
        """Make the widget of an item and take its real height."""
        item = self.column.items[at]
        widget = self.factory.make(item, self)
        widget.resize(self._width, item.height)
        item.widget = widget
        self.measure(at)
        self._put(at)
        widget.show()

    def measure(self, at: int) -> bool:
        """Take the height that an item's widget asks for; returns whether it changed."""
        item = self.column.items[at]
        widget = item.widget
        if widget is None:
            return False
        height = widget.height_at(self._width)
        changed = self.column.set_height(at, height) != 0
        if widget.height() != height or widget.width() != self._width:
            widget.resize(self._width, height)
        return changed

    def realise(self, top: int, bottom: int, deadline: float) -> tuple[list[int], bool]:
        """Make widgets for the band between two heights.

        Args:
            top: upper edge of the band in pixels.
            bottom: lower edge.
            deadline: time of `perf_counter` after which no further widget is begun.

        Returns:
            Indexes of the items that got a widget, and whether the band is complete; answers that still have to be
            converted count as complete, because somebody else does that.
        """
        built: list[int] = []
        for at in self.column.between(top, bottom):
            item = self.column.items[at]
            if item.widget is not None or item.kind is Kind.SOURCE:
                continue
            if built and perf_counter() >= deadline:
                return built, False
            self.build(at)
            built.append(at)
        return built, True

    def order_focus(self, after: QWidget) -> None:
        """Let Tab go through the blocks from top to bottom, beginning behind a widget."""
        before = after
        for item in self.column.items:
            if item.widget is None:
                continue
            for control in item.widget.findChildren(QAbstractButton):
                QWidget.setTabOrder(before, control)
                before = control

    def give_back(self, top: int, bottom: int) -> None:
        """Let widgets go that are outside a band, unless they hold a selection or the focus."""
        column = self.column
        for at, item in enumerate(column.items):
            if item.widget is None or (column.top(at) <= bottom and column.top(at) + item.height >= top):
                continue
            if not _is_held(item.widget):
                self.drop([item])

    def drop(self, items: Iterable[Item]) -> None:
        """Let the widgets of items go."""
        for item in items:
            widget, item.widget = item.widget, None
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def place(self) -> None:
        """Put every widget where its item stands."""
        for at, item in enumerate(self.column.items):
            if item.widget is not None:
                self._put(at)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill what is shown."""
        QPainter(self).fillRect(event.rect(), self._appearance.theme.color("surface"))

    def _put(self, at: int) -> None:
        widget = self.column.items[at].widget
        if widget is not None:
            widget.move(self._left, self.column.top(at))


def _is_held(widget: QWidget) -> bool:
    texts = [widget] if isinstance(widget, ReadOnlyText) else widget.findChildren(ReadOnlyText)
    focus = widget.focusWidget()
    return any(text.textCursor().hasSelection() for text in texts) or (focus is not None and focus.hasFocus())
