"""PluginDelegate: paints a plugin as a row of two lines: name, offers as chips, where it runs, and its state."""

from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.plugins.list_model import DOING_ROLE, INFO_ROLE
from app.plugins.wording import line, look_of, name_of, offer_chips, where_of
from app.theme import Appearance
from app.theme.brush import Brush, cell_of
from engine import PluginInfo

_STATE = 148
_WHERE = 104
_OFFERS_SHARE = 0.42  # of what the two fixed columns leave


class Columns(NamedTuple):
    """Left edge and width of each column."""

    name: tuple[int, int]
    offers: tuple[int, int]
    where: tuple[int, int]
    state: tuple[int, int]


def columns_for(width: int, appearance: Appearance) -> Columns:
    """Share the width of a row among its columns; the last two stay as wide as their words.

    Args:
        width: of the whole row in pixels.
        appearance: where the distances come from.
    """
    margin, gap = appearance.theme.space("l"), appearance.theme.space("l")
    state = width - margin - _STATE
    where = state - gap - _WHERE
    room = max(0, where - gap - margin)
    offers = round(room * _OFFERS_SHARE)
    return Columns(
        (margin, room - offers - gap), (where - gap - offers, offers), (where, _WHERE), (state, _STATE + margin)
    )


class PluginDelegate(QStyledItemDelegate):
    """Paints rows of 52 and captions of 32."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._brush = Brush(appearance)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Captions are lower than rows."""
        name = "row-double" if index.data(INFO_ROLE) is not None else "table-header"
        return QSize(0, self._appearance.theme.size(name))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        info = index.data(INFO_ROLE)
        if info is None:
            self._paint_caption(painter, rect, index.data())
        else:
            is_last = index.row() == index.model().rowCount() - 1
            self._brush.card_ground(painter, rect, option.state, is_last=is_last)
            is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
            self._paint_plugin(painter, rect, info, index.data(DOING_ROLE), is_selected=is_selected)
        painter.restore()

    def _paint_caption(self, painter: QPainter, rect: QRect, words: str) -> None:
        space = self._appearance.theme.space("l")
        painter.fillRect(rect, self._brush.color("surface"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), self._brush.color("border"))
        self._brush.write(painter, rect.adjusted(space, 0, -space, 0), "caption", "text-muted", words)

    def _paint_plugin(self, painter: QPainter, rect: QRect, info: PluginInfo, doing: str, *, is_selected: bool) -> None:
        theme, write = self._appearance.theme, self._brush.write
        columns = columns_for(rect.width(), self._appearance)
        look = look_of(info)
        name = cell_of(rect, columns.name)
        self._paint_name(painter, QRect(name.left(), rect.top() + 6, name.width(), 20), info, is_selected=is_selected)
        second = QRect(name.left(), rect.top() + 27, name.width(), 16)
        write(painter, second, "small", "text-muted", line(info.summary or info.reason or info.id))
        self._paint_chips(painter, cell_of(rect, columns.offers), offer_chips(info))
        write(painter, cell_of(rect, columns.where), "body", "text", where_of(info))
        state = cell_of(rect, columns.state)
        icon, role = ("clock", "text-muted") if doing else (look.icon, look.role)
        edge = theme.size("icon-small")
        middle = QRect(state.left(), rect.top() + (rect.height() - edge) // 2, edge, edge)
        theme.icon(icon, role, edge).paint(painter, middle)
        words = state.adjusted(edge + theme.space("s"), 0, 0, 0)
        write(painter, words, "body", "text" if role == "success" else role, doing or look.word)

    def _paint_name(self, painter: QPainter, room: QRect, info: PluginInfo, *, is_selected: bool) -> None:
        gap = self._appearance.theme.space("s")
        version = line(info.version)
        after = gap + self._brush.width("small", version) if version else 0
        most = QRect(room)
        most.setWidth(max(0, room.width() - min(after, room.width() // 2)))
        weight, mode = 600 if is_selected else 500, Qt.TextElideMode.ElideMiddle
        used = self._brush.write(painter, most, "body", "text", name_of(info), weight=weight, mode=mode)
        self._brush.write(painter, room.adjusted(used + gap, 1, 0, 1), "small", "text-muted", version)

    def _paint_chips(self, painter: QPainter, room: QRect, chips: tuple[str, ...]) -> None:
        """Paint as many chips as fit; the last one then counts the others."""
        brush, gap = self._brush, self._appearance.theme.space("s")
        left, right = room.left(), room.left() + room.width()
        for number, words in enumerate(chips):
            rest = len(chips) - number - 1
            reserve = gap + brush.chip_width(f"+{rest}") if rest else 0
            if left + brush.chip_width(words) + reserve > right:
                brush.chip(painter, left, room, f"+{rest + 1}")
                return
            left = brush.chip(painter, left, room, words) + gap
