"""TableHead: column titles that stand exactly over what the delegates paint; and what both tables have in common."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from app.theme import Appearance
from app.theme.brush import Brush


class TableHead(QHeaderView):
    """Painted, so that every title has the inset of its column's cells.

    Attributes:
        insets: pixels at the left and at the right of a title, by column; a column without has none.
    """

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._appearance = appearance
        self._brush = Brush(appearance)
        self.insets: Mapping[int, tuple[int, int]] = {}
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setMinimumSectionSize(1)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setFixedHeight(appearance.theme.size("table-header"))
        appearance.changed.connect(self.viewport().update)

    def sizeHint(self) -> QSize:
        """As high as all table heads."""
        return QSize(super().sizeHint().width(), self._appearance.theme.size("table-header"))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Paint ground, line and title."""
        brush = self._brush
        painter.fillRect(rect, brush.color("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), brush.color("border"))
        model = self.model()
        words = model.headerData(section, Qt.Orientation.Horizontal)
        side = model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
        left, right = self.insets.get(section, (0, 0))
        is_right = bool(side and side & Qt.AlignmentFlag.AlignRight)
        room = rect.adjusted(left, 0, -right, -1)
        brush.write(painter, room, "small", "text-muted", words or "", weight=500, right=is_right)


class PlainTable(QTableView):
    """A table of painted rows, in which a whole row is hovered and selected.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, row_height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered = -1
        self.head = TableHead(appearance, self)
        self.setHorizontalHeader(self.head)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        rows = self.verticalHeader()
        rows.hide()
        rows.setMinimumSectionSize(1)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(row_height)
        appearance.changed.connect(self.viewport().update)

    @property
    def hovered(self) -> int:
        """Row under the pointer; -1 for none."""
        return self._hovered

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover the whole row."""
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(event.position().toPoint().y()))

    def leaveEvent(self, event: QEvent) -> None:
        """Hover none."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()
