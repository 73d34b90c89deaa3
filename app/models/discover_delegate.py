"""DiscoverDelegate: paints what can be found as rows of two lines, and captions between them."""

from typing import Final, NamedTuple

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from app.models.discover_model import FIND_ROLE
from app.models.discover_rows import Find
from app.models.row_delegate import RowDelegate
from app.theme.brush import cell_of
from app.theme.widgets.keyed_rows import Index

_INSET: Final = 16
_SIZE: Final = 76
_SPEED: Final = 82
_LEAD: Final = 20
_FIT: Final = (118, 200)  # least and most
_STATE: Final = 96
_LEAST_MODEL: Final = 190
_LEAST_FACTS: Final = 48  # beside the name


class DiscoverColumns(NamedTuple):
    """Left edge and width of each column's words."""

    model: tuple[int, int]
    size: tuple[int, int]
    speed: tuple[int, int]
    fit: tuple[int, int]
    state: tuple[int, int]


def discover_columns(width: int) -> DiscoverColumns:
    """Share the width of a row, in pixels: the name takes what the others leave."""
    room = width - _SIZE - _SPEED - _STATE - _LEAD
    fit = max(_FIT[0], min(_FIT[1], room - _LEAST_MODEL))
    model = max(0, room - fit)
    at_fit = model + _SIZE + _SPEED + _LEAD
    return DiscoverColumns(
        (_INSET, model - _INSET),
        (model, _SIZE),
        (model + _SIZE, _SPEED),
        (at_fit, fit - 8),
        (at_fit + fit, _STATE - 12),
    )


class DiscoverDelegate(RowDelegate):
    """Paints rows of 52 and captions of 32."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Captions are lower than rows."""
        name = "row-double" if index.data(FIND_ROLE) is not None else "table-header"
        return QSize(0, self._appearance.theme.size(name))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        find = index.data(FIND_ROLE)
        is_last = index.row() == index.model().rowCount() - 1
        if find is None:
            self._paint_caption(painter, rect, index.data(), is_last=is_last)
        else:
            self._brush.card_ground(painter, rect, option.state, is_last=is_last)
            is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
            self._paint_find(painter, rect, find, is_selected=is_selected)
        painter.restore()

    def _paint_caption(self, painter: QPainter, rect: QRect, words: str, *, is_last: bool) -> None:
        brush = self._brush
        ground = rect.adjusted(0, 0, 0, -10) if is_last else rect  # the card's round corners stay free
        painter.fillRect(ground, brush.color("surface"))
        if not is_last:
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), brush.color("border"))
        brush.write(painter, rect.adjusted(_INSET, 0, -_INSET, 0), "caption", "text-muted", words)

    def _paint_find(self, painter: QPainter, rect: QRect, find: Find, *, is_selected: bool) -> None:
        columns, write = discover_columns(rect.width()), self._brush.write
        left, width = columns.model
        first = QRect(rect.left() + left, rect.top() + 8, width, 20)
        weight, middle = 600 if is_selected else 500, Qt.TextElideMode.ElideMiddle
        used = write(painter, first, "body", "text", find.title, weight=weight, mode=middle) + 8
        if width - used >= _LEAST_FACTS:
            write(painter, first.adjusted(used, 1, 0, 1), "small", "text-muted", find.facts)
        write(painter, QRect(first.left(), rect.top() + 27, width, 16), "small", "text-muted", find.about)
        for words, column in ((find.size, columns.size), (find.speed, columns.speed)):
            is_known = any(letter.isdigit() for letter in words)
            write(painter, cell_of(rect, column), "body", "text" if is_known else "text-muted", words, right=True)
        self._paint_look(painter, cell_of(rect, columns.fit), find.look)
        self._paint_here(painter, cell_of(rect, columns.state), find)

    def _paint_here(self, painter: QPainter, cell: QRect, find: Find) -> None:
        if not (find.is_here or find.is_gated):
            return
        icon, role, words = ("check", "success", "Installed") if find.is_here else ("key", "text-muted", "Account")
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        place = QRect(cell.left(), cell.top() + (cell.height() - edge) // 2, edge, edge)
        theme.icon(icon, role, edge).paint(painter, place)
        self._brush.write(painter, cell.adjusted(edge + 6, 0, 0, 0), "body", "text", words)
