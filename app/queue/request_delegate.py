"""RequestDelegate: paints a request as a row of 56: number, title over client and model, times, score and sentence."""

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.queue.keyed_model import ENTRY_ROLE, Index
from app.queue.request_model import NUMBER, REQUEST, SCORE, STARTS, WAITED, Listing, RequestModel
from app.queue.score_bar import HEIGHT, paint_score
from app.queue.table_head import PlainTable
from app.queue.words import asked_by, duration, reason_of
from app.theme import Appearance
from app.theme.brush import Brush
from app.theme.widgets import Part, paint_bar
from app.usage import percent
from engine.queueing import QueuedRequest, RequestState

_NUMBER_WIDTH: Final = 40  # of the score, before the bar
_WIDEST_BAR: Final = 322
_GAP: Final = 8  # after the sentence
LEAD: Final = 24
"""Pixels before the score."""

_STATE_ICONS: Final = {RequestState.LOADING: "download", RequestState.PAUSED: "pause", RequestState.RUNNING: "play"}


class RequestDelegate(QStyledItemDelegate):
    """Paints one cell at a time; only rows that can be seen are painted at all."""

    def __init__(self, appearance: Appearance, table: PlainTable) -> None:
        super().__init__(table)
        self._table = table
        self._appearance = appearance
        self._brush = Brush(appearance)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """All rows are equally high."""
        return QSize(0, self._appearance.theme.size("row-score"))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell."""
        request: QueuedRequest = index.data(ENTRY_ROLE)
        rect: QRect = option.rect
        model = index.model()
        column = index.column()
        is_selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hovered = index.row() == self._table.hovered
        self._brush.row_ground(painter, rect, is_selected=is_selected, is_hovered=is_hovered, is_first=column == NUMBER)
        edge = self._appearance.theme.space("l")
        if column == NUMBER:
            self._paint_number(painter, rect, request)
        elif column == REQUEST:
            self._paint_title(painter, rect, request, is_selected=is_selected)
        elif column == WAITED:
            self._brush.write(painter, rect, "body", "text", index.data(), right=True)
        elif column == SCORE and isinstance(model, RequestModel):
            self._paint_score(painter, rect.adjusted(LEAD, 0, -_GAP, 0), request, model)
        elif column == STARTS:
            self._paint_times(painter, rect.adjusted(0, 0, -edge + 1, 0), request, index.data())
        painter.restore()

    def _paint_times(self, painter: QPainter, rect: QRect, request: QueuedRequest, starts: str) -> None:
        """Paint when it starts, and below that when it ends, where that can be said."""
        theme, write = self._appearance.theme, self._brush.write
        ends = (
            request.ends_in_s if request.state is not RequestState.RUNNING and request.starts_in_s is not None else None
        )
        if ends is None or starts == "paused":
            write(painter, rect, "body", "text", starts, right=True)
            return
        room = QRect(rect.left(), rect.top() + 10, rect.width(), theme.line("body"))
        write(painter, room, "body", "text", starts, right=True)
        below = QRect(rect.left(), room.bottom() + 1, rect.width(), theme.line("small"))
        write(painter, below, "small", "text-muted", f"ends in {duration(ends)}", right=True)

    def _paint_number(self, painter: QPainter, rect: QRect, request: QueuedRequest) -> None:
        theme = self._appearance.theme
        if request.position:
            digits = f"{request.position}" if request.position < 1000 else "…"
            width = self._brush.width("strong", digits)
            room = QRect(max(4, rect.left() + 20 - width // 2), rect.top(), width + 2, rect.height())
            self._brush.write(painter, room, "strong", "text", digits)
            return
        edge = theme.size("icon-small")
        place = QRect(rect.left() + 20 - edge // 2, rect.center().y() - edge // 2, edge, edge)
        theme.icon(_STATE_ICONS.get(request.state, "clock"), "text-muted", edge).paint(painter, place)

    def _paint_title(self, painter: QPainter, rect: QRect, request: QueuedRequest, *, is_selected: bool) -> None:
        theme, write = self._appearance.theme, self._brush.write
        room = QRect(rect.left(), rect.top() + 10, rect.width() - theme.space("m"), theme.line("body"))
        middle = Qt.TextElideMode.ElideMiddle
        write(painter, room, "body", "text", request.title, weight=600 if is_selected else 500, mode=middle)
        icon = _STATE_ICONS.get(request.state)
        below = QRect(room.left(), room.bottom() + 1, room.width(), theme.line("small"))
        if icon is not None and request.position:
            edge = theme.size("icon-small") - 2
            theme.icon(icon, "text-muted", edge).paint(painter, QRect(below.left(), below.top() + 1, edge, edge))
            below.setLeft(below.left() + edge + 5)
        write(painter, below, "small", "text-muted", asked_by(request.client, request.urgency, request.model))

    def _paint_score(self, painter: QPainter, rect: QRect, request: QueuedRequest, model: RequestModel) -> None:
        theme, write = self._appearance.theme, self._brush.write
        sentence = reason_of(request)
        is_running = model.listing is Listing.RUNNING
        if not is_running and not request.parts:
            write(painter, rect, "small", "text-muted", sentence)
            return
        top = rect.top() + 10
        before = _NUMBER_WIDTH + (_GAP if is_running else 0)  # a share may be 100 %
        width = min(_WIDEST_BAR, rect.width() - before)
        number = percent(request.progress) if is_running else f"{request.score:.2f}"
        write(painter, QRect(rect.left(), top, before, theme.line("body")), "body", "text", number, weight=500)
        bar = QRectF(rect.left() + before, top + 5, width, HEIGHT)
        if is_running:
            track = bar.adjusted(0.5, 2.5, -0.5, -2.5)
            paint_bar(painter, self._appearance, track, (Part(request.progress, "chart-1"),))
        else:
            paint_score(painter, self._brush, bar, request.parts, model.scale)
        below = QRect(rect.left(), top + theme.line("body"), rect.width(), theme.line("small"))
        write(painter, below, "small", "text-muted", sentence)
