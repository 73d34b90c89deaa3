"""RowDelegate: paints a model as a row of two lines, in the columns of the table."""

from typing import Final, NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.models.installed_model import DEVICE_ROLE, LOOK_ROLE, ROW_ROLE, STATE_ROLE
from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.words import FitLook
from app.theme import Appearance
from app.theme.brush import Brush, cell_of

SIZE: Final = 76
DEVICE: Final = 72
SPEED: Final = 82
STATE: Final = 104
_INSET: Final = 16
_LEAD: Final = 20  # of a column that stands at the right of numbers
_FIT: Final = 118  # least; the name gets less before that
_LONGEST: Final = "Fits with paging ~8\u00a0tok/s"  # verdict; names get more only after that
_LEAST_MODEL: Final = 110
_LEAST_WHOLE: Final = 190  # of a name, before verdicts are shortened
_GAP: Final = 8
_CHIP_PADDING: Final = 8
_CHIP_GAP: Final = 5
_DOT: Final = 8
_PIN: Final = 62  # left edge of the pin in the last column
_MOST_MODEL: Final = 420


class Columns(NamedTuple):
    """Left edge and width of each column's words."""

    model: tuple[int, int]
    size: tuple[int, int]
    device: tuple[int, int]
    speed: tuple[int, int]
    fit: tuple[int, int]
    state: tuple[int, int]


def columns_for(width: int, fit: int) -> Columns:
    """Share the width of a row: verdicts have room for their longest, and names take what is plenty, up to a limit.

    Args:
        width: of the whole row in pixels.
        fit: width of the longest verdict.
    """
    fixed = SIZE + DEVICE + SPEED + STATE
    wanted = width - fixed - (_LEAD + fit + _GAP)
    model = max(_LEAST_WHOLE, min(_MOST_MODEL, wanted))
    model = max(_LEAST_MODEL, min(model, width - fixed - _FIT))
    at_size = model
    at_device = at_size + SIZE
    at_speed = at_device + DEVICE
    at_fit = at_speed + SPEED
    at_state = width - STATE
    return Columns(
        (_INSET, model - _INSET),
        (at_size, SIZE),
        (at_device + _LEAD, DEVICE - _LEAD),
        (at_speed, SPEED),
        (at_fit + _LEAD, max(0, at_state - at_fit - _LEAD - _GAP)),
        (at_state, STATE),
    )


class RowDelegate(QStyledItemDelegate):
    """Paints rows of 52."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._brush = Brush(appearance)

    def columns(self, width: int) -> Columns:
        """Share the width of a row, by how wide words are in the type that is used."""
        words = self._brush.width("small", _LONGEST, 500)
        edge = self._appearance.theme.size("icon-small")
        return columns_for(width, 2 * _CHIP_PADDING + edge + _CHIP_GAP + words)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """All rows are equal."""
        return QSize(0, self._appearance.theme.size("row-double"))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        row = index.data(ROW_ROLE)
        if row is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        is_last = index.row() == index.model().rowCount() - 1
        self._brush.card_ground(painter, rect, option.state, is_last=is_last)
        columns = self.columns(rect.width())
        self._paint_name(painter, rect, columns, row, bool(option.state & QStyle.StateFlag.State_Selected))
        self._paint_numbers(painter, rect, columns, row, index.data(DEVICE_ROLE))
        self._paint_look(painter, cell_of(rect, columns.fit), index.data(LOOK_ROLE))
        self._paint_state(painter, cell_of(rect, columns.state), index.data(STATE_ROLE))
        painter.restore()

    def _paint_name(self, painter: QPainter, rect: QRect, columns: Columns, row: Row, is_selected: bool) -> None:
        left, width = columns.model
        theme, write = self._appearance.theme, self._brush.write
        first = QRect(rect.left() + left, rect.top() + 8, width, 20)
        role = "text-muted" if row.is_refused else "text"
        weight, mode = 600 if is_selected else 500, Qt.TextElideMode.ElideMiddle
        if row.is_favourite:
            first.setWidth(width - 20)
        used = write(painter, first, "body", role, row.title, weight=weight, mode=mode)
        if row.is_favourite:
            star = QRect(first.left() + used + 6, first.top() + 3, 14, 14)
            theme.icon("star", "accent-ink", 14).paint(painter, star)
        second = QRect(rect.left() + left, rect.top() + 27, width, 16)
        write(painter, second, "small", "text-muted", row.subtitle)

    def _paint_numbers(self, painter: QPainter, rect: QRect, columns: Columns, row: Row, device: str) -> None:
        write = self._brush.write
        write(painter, cell_of(rect, columns.size), "body", "text", row.size, right=True)
        write(painter, cell_of(rect, columns.device), "body", "text", device)
        is_known = any(letter.isdigit() for letter in row.speed)
        role = "text" if is_known else "text-muted"
        write(painter, cell_of(rect, columns.speed), "body", role, row.speed, right=True)

    def _paint_look(self, painter: QPainter, cell: QRect, look: FitLook) -> None:
        theme, brush = self._appearance.theme, self._brush
        edge = theme.size("icon-small")
        lead = _CHIP_PADDING + edge + _CHIP_GAP
        width = min(cell.width(), lead + brush.width("small", look.words, 500) + _CHIP_PADDING)
        if width < lead:
            return
        height = theme.size("chip")
        chip = QRect(cell.left(), cell.top() + (cell.height() - height) // 2, width, height)
        if look.tone != "neutral":
            painter.setPen(brush.color(look.role) if theme.is_high_contrast else Qt.PenStyle.NoPen)
            painter.setBrush(brush.color(f"{look.role}-fill"))
            radius = theme.radius("small")
            painter.drawRoundedRect(QRectF(chip).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        top = chip.top() + (height - edge) // 2
        icon = QRect(chip.left() + _CHIP_PADDING, top, edge, edge)
        theme.icon(look.icon, look.role, edge).paint(painter, icon)
        room = chip.adjusted(lead, 0, 2 - _CHIP_PADDING, 0)
        brush.write(painter, room, "small", look.role, look.words, weight=500)

    def _paint_state(self, painter: QPainter, cell: QRect, state: LoadState) -> None:
        theme, brush = self._appearance.theme, self._brush
        color = brush.color(state.role)
        dot = QRectF(cell.left() + 0.75, cell.center().y() - _DOT / 2 + 1.75, _DOT - 1.5, _DOT - 1.5)
        is_filled = state.is_loaded or state.is_loading or state.role == "danger"
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(color if is_filled else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(dot)
        words = cell.adjusted(_DOT + 6, 0, 0, 0)
        role = "text-muted" if state.role == "text-muted" else "text"
        used = brush.write(painter, words, "body", role, state.words)
        if state.is_pinned:
            edge = theme.size("icon-small")
            left = max(cell.left() + _PIN, words.left() + used + 6)
            top = cell.top() + (cell.height() - edge) // 2
            theme.icon("pin", "text-muted", edge).paint(painter, QRect(left, top, edge, edge))
