"""ResultDelegate: a finding as a row of its colour, its text, a bar and its score."""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.recognize.results_model import FINDING_ROLE, Finding
from app.theme import Appearance
from app.theme.widgets import Part, paint_bar

_ROW = 44
_BAR = 120
_VALUE = 56
_MARK = 10


class ResultDelegate(QStyledItemDelegate):
    """Paints rows of 44; the bar gives way when the row is narrow."""

    def __init__(self, appearance: Appearance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """One line."""
        return QSize(0, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a row."""
        finding: Finding = index.data(FINDING_ROLE)
        theme = self._appearance.theme
        rect = QRectF(option.rect)
        state = option.state
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, rect, state)
        self._paint_mark(painter, rect, finding)
        room = theme.space("l")
        value = rect.adjusted(rect.width() - room - _VALUE, 0, -room, 0)
        bar_width = min(_BAR, max(0.0, rect.width() * 0.3))
        bar = QRectF(value.left() - room - bar_width, rect.center().y() - 2.5, bar_width, 5)
        text = rect.adjusted(room + _MARK + theme.space("m"), 0, 0, 0)
        text.setRight(bar.left() - room)
        font = theme.font("strong" if is_selected else "body")
        painter.setFont(font)
        painter.setPen(theme.color("text" if finding.is_shown else "text-muted"))
        shown = QFontMetrics(font).elidedText(finding.text, Qt.TextElideMode.ElideRight, int(text.width()))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)
        painter.drawText(value, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, finding.value)
        paint_bar(painter, self._appearance, bar, (Part(finding.share, "chart-1" if finding.is_shown else "chart-8"),))
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        theme = self._appearance.theme
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selection"))
            painter.fillRect(QRectF(rect.left(), rect.top() + 6, 3, rect.height() - 13), theme.color("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.color("hover"))
        painter.fillRect(QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1), theme.color("border"))
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(theme.color("focus"), theme.size("focus-ring")))
            painter.drawRoundedRect(rect.adjusted(3, 3, -3, -4), 4, 4)

    def _paint_mark(self, painter: QPainter, rect: QRectF, finding: Finding) -> None:
        theme = self._appearance.theme
        mark = QRectF(rect.left() + theme.space("l"), rect.center().y() - _MARK / 2, _MARK, _MARK)
        if finding.is_shown:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color(finding.role))
        else:
            painter.setPen(theme.color("border-strong"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            mark.adjust(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(mark, theme.radius("bar"), theme.radius("bar"))
