"""UserBubble: what the person wrote, at the right of the column."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.markdown.read_only_text import ReadOnlyText
from app.theme import Appearance

MAX_WIDTH = 520
_PADDING_X = 14
_PADDING_Y = 8
_RISE = 1  # a fixed line height puts the letters low in the line


class UserBubble(QWidget):
    """A message on a quiet accent fill, as wide as its text needs.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._bubble = QRectF()
        self.text = ReadOnlyText(appearance, "reading", "Your message", self)
        self.text.show_plain(text)

    def height_at(self, width: int) -> int:
        """Place the bubble in a column of this width and return its height."""
        inner = self.text.natural_width(min(MAX_WIDTH, width) - 2 * _PADDING_X)
        height = self.text.height_at(inner)
        left = width - inner - 2 * _PADDING_X
        self.text.setGeometry(left + _PADDING_X, _PADDING_Y - _RISE, inner, height)
        self._bubble = QRectF(left, 0, inner + 2 * _PADDING_X, height + 2 * _PADDING_Y)
        return height + 2 * _PADDING_Y

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the fill."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("accent") if theme.is_high_contrast else theme.color("accent-fill"))
        painter.setBrush(theme.color("accent-fill"))
        radius = theme.radius("large")
        painter.drawRoundedRect(self._bubble.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
