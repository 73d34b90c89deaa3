"""TileDelegate: a picture of the batch as a tile of its thumbnail, its name and its state."""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.recognize.batch_model import PICTURE_ROLE
from app.recognize.picture import Picture, State
from app.theme import Appearance

TILE = QSize(124, 106)

_STATE_ICONS = {
    State.WAITING: ("clock", "text-muted"),
    State.RUNNING: ("search", "info"),
    State.DONE: ("success", "success"),
    State.FAILED: ("error", "danger"),
    State.STOPPED: ("stop", "text-muted"),
}


class TileDelegate(QStyledItemDelegate):
    """Paints tiles of 124 x 106."""

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Every tile has the same size."""
        return TILE

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a tile."""
        picture: Picture = index.data(PICTURE_ROLE)
        rect = QRect(option.rect.topLeft(), TILE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_card(painter, QRectF(rect), option.state)
        self._paint_thumbnail(painter, QRectF(rect.adjusted(5, 5, -5, -45)), picture)
        self._paint_words(painter, rect.adjusted(7, 64, -7, 0), picture)
        painter.restore()

    def _paint_card(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        theme = self._appearance.theme
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        width = 2 if is_selected else 1
        painter.setPen(QPen(theme.color("accent" if is_selected else "border"), width))
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver) and not is_selected
        painter.setBrush(theme.color("hover" if is_hovered else "raised"))
        inset = width / 2
        radius = theme.radius("medium")
        painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), radius, radius)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("focus"), theme.size("focus-ring")))
            painter.drawRoundedRect(rect.adjusted(4, 4, -4, -4), 5, 5)

    def _paint_thumbnail(self, painter: QPainter, rect: QRectF, picture: Picture) -> None:
        theme = self._appearance.theme
        outline = QPainterPath()
        outline.addRoundedRect(rect, 4, 4)
        has_image = picture.thumbnail is not None and not picture.thumbnail.isNull()
        is_bad = picture.state is State.FAILED
        painter.fillPath(outline, theme.color("danger-fill" if is_bad else "sunken"))
        if has_image and picture.thumbnail is not None:
            size = picture.thumbnail.size().scaled(rect.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            place = QRectF(0, 0, size.width(), size.height())
            place.moveCenter(rect.center())
            painter.save()
            painter.setClipPath(outline)
            painter.drawImage(place, picture.thumbnail)
            painter.restore()
        elif picture.thumbnail is not None:
            edge = theme.size("icon")
            icon = theme.icon("file", "danger" if is_bad else "text-muted", edge)
            corner = rect.center().toPoint()
            icon.paint(painter, QRect(corner.x() - edge // 2, corner.y() - edge // 2, edge, edge))

    def _paint_words(self, painter: QPainter, rect: QRect, picture: Picture) -> None:
        theme = self._appearance.theme
        font = theme.font("small")
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        name = metrics.elidedText(picture.name, Qt.TextElideMode.ElideMiddle, rect.width())
        line = QRect(rect.left(), rect.top(), rect.width(), 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
        icon, role = _STATE_ICONS[picture.state]
        edge = 14
        theme.icon(icon, role, edge).paint(painter, QRect(line.left(), line.top() + 20, edge, edge))
        words = QRect(line.left() + edge + 4, line.top() + 18, line.width() - edge - 4, 18)
        painter.setPen(theme.color("text-muted"))
        summary = metrics.elidedText(picture.summary, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, summary)
