"""Switch: on or off, painted; a check box in everything but its look."""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from app.theme.appearance import Appearance

_TRACK = QSize(32, 18)
_EDGE = 2


class Switch(QCheckBox):
    """A track of 32 x 18 with a knob, and the word beside it that says the same."""

    def __init__(self, appearance: Appearance, name: str, parent: QWidget | None = None) -> None:
        """Make a switch; `name` says what it switches, for those who do not see it."""
        super().__init__(parent)
        self._appearance = appearance
        self.setAccessibleName(name)
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Room for the track and the longer of the two words."""
        theme = self._appearance.theme
        metrics = QFontMetrics(theme.font("body"))
        words = max(metrics.horizontalAdvance(word) for word in ("On", "Off"))
        return QSize(_TRACK.width() + theme.space("s") + words, theme.size("hit-min"))

    def minimumSizeHint(self) -> QSize:
        """Never less than that."""
        return self.sizeHint()

    def hitButton(self, pos: QPoint) -> bool:
        """Take a click anywhere."""
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track, knob and word."""
        theme = self._appearance.theme
        is_on, is_usable = self.isChecked(), self.isEnabled()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = (self.height() - _TRACK.height()) / 2
        track = QRectF(0.5, top + 0.5, _TRACK.width() - 1, _TRACK.height() - 1)
        painter.setPen(theme.color(("accent" if is_on else "border-strong") if is_usable else "border"))
        painter.setBrush(theme.color(("accent" if is_on else "raised") if is_usable else "window"))
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        knob = _TRACK.height() - 2 * _EDGE - 2
        left = _TRACK.width() - knob - _EDGE - 1 if is_on else _EDGE + 1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(("accent-text" if is_on else "border-strong") if is_usable else "text-disabled"))
        painter.drawEllipse(QRectF(left, top + _EDGE + 1, knob, knob))
        painter.setPen(theme.color("text" if is_usable else "text-disabled"))
        painter.setFont(theme.font("body"))
        room = self.rect().adjusted(_TRACK.width() + theme.space("s"), 0, 0, 0)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, "On" if is_on else "Off")
