"""ChatDelegate: paints a chat in two lines, and the caption of a group."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.chat.chats.list_model import ANSWERING_ROLE, DETAIL_ROLE, SUMMARY_ROLE
from app.theme import Appearance

_CAPTION_HEIGHT = 32
_MARK = 3
_DOT = 8
_INSET = 12


class ChatDelegate(QStyledItemDelegate):
    """Looks after the rows of the chat list."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Rows are 52 pixels high, captions less."""
        is_chat = index.data(SUMMARY_ROLE) is not None
        return QSize(0, self._appearance.theme.size("row-double") if is_chat else _CAPTION_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        if index.data(SUMMARY_ROLE) is None:
            self._paint_caption(painter, rect, index.data())
        else:
            self._paint_chat(painter, rect, option.state, index)
        painter.restore()

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        """Rename in place."""
        editor = QLineEdit(parent)
        editor.setAccessibleName("Title of the chat")
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Put the input over the row."""
        rect: QRect = option.rect
        editor.setGeometry(rect.adjusted(2, 10, -2, -10))

    def _paint_caption(self, painter: QPainter, rect: QRect, words: str) -> None:
        theme = self._appearance.theme
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text-muted"))
        painter.drawText(rect.adjusted(_INSET, 8, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_chat(
        self, painter: QPainter, rect: QRect, state: QStyle.StateFlag, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        theme = self._appearance.theme
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        is_focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("selection" if is_selected else "hover"))
            painter.drawRoundedRect(rect, theme.radius("small"), theme.radius("small"))
        if is_selected:
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRectF(rect.left(), rect.top() + 12, _MARK, rect.height() - 24), 1.5, 1.5)
        if is_focused:
            painter.setPen(theme.color("focus"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), theme.radius("small"), theme.radius("small"))
        right = 0
        if index.data(ANSWERING_ROLE):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(QRectF(rect.right() - _INSET - _DOT + 1, rect.top() + 14, _DOT, _DOT))
            right = _DOT + 8
        room = rect.adjusted(_INSET, 0, -_INSET - right, 0)
        self._line(painter, room, 8, "strong" if is_selected else "body", "text", index.data())
        self._line(painter, room, 28, "small", "text-muted", index.data(DETAIL_ROLE))

    def _line(self, painter: QPainter, room: QRect, top: int, type_name: str, role: str, words: str) -> None:
        theme = self._appearance.theme
        font = theme.font(type_name)
        painter.setFont(font)
        painter.setPen(theme.color(role))
        line = QRect(room.left(), room.top() + top, room.width(), theme.line(type_name))
        shown = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, shown)
