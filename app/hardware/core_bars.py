"""CoreBars: how busy each core of the processor is, where its card has the room."""

from typing import Final

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.theme import Appearance

_HEIGHT: Final = 20
_BESIDE: Final = 460  # pixels that figure and legend need in the same row
_MANY: Final = 32  # cores; more have thinner bars


class CoreBars(QWidget):
    """A bar for each core, from the bottom up, with the words "per core" before them."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._cores: tuple[float, ...] = ()
        self._heights: tuple[int, ...] = ()
        self._words = "per core"
        self.hide()
        appearance.changed.connect(self.update)

    def show_cores(self, cores: tuple[float, ...], room: int) -> None:
        """Show shares in [0, 1].

        Args:
            cores: one for each core; none hides everything.
            room: pixels in the row, the figure's included.
        """
        self._cores = cores
        count = len(cores)
        width = self._left() + count * self._step(count)
        is_shown = count > 1 and width + _BESIDE <= room
        self.setVisible(is_shown)
        heights = tuple(round(max(0.0, min(1.0, core)) * _HEIGHT) for core in cores)
        if not is_shown or heights == self._heights:
            return
        self._heights = heights
        self.setFixedSize(width, _HEIGHT)
        said = ", ".join(f"{round(core * 100)}" for core in cores)
        self.setAccessibleName(f"Cores: {said} %")
        self.setToolTip(f"Use of each core: {said}\u00a0%")
        self.update()

    def fit(self, room: int) -> None:
        """Come or go with the room there is, in pixels."""
        self.show_cores(self._cores, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words, then a track and a bar for each core."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.color("raised"))
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.color("text-muted"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._words)
        track, bar = theme.color("chart-grid"), theme.color("text-muted")
        step = self._step(len(self._heights))
        width = step - (1 if step < 6 else 2)
        for number, height in enumerate(self._heights):
            left = self._left() + number * step
            painter.fillRect(QRect(left, 0, width, _HEIGHT), track)
            painter.fillRect(QRect(left, _HEIGHT - height, width, height), bar)

    def _left(self) -> int:
        theme = self._appearance.theme
        return QFontMetrics(theme.font("caption")).horizontalAdvance(self._words) + theme.space("s")

    @staticmethod
    def _step(count: int) -> int:
        return 8 if count <= _MANY else 4
