"""FactRows: names and values of a request, a painted row each."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.queue.why_words import Fact
from app.theme import Appearance
from app.theme.brush import Brush

ROW: Final = 22
_NAMES: Final = 92


class FactRows(QWidget):
    """Numbers change four times a second without moving anything."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._brush = Brush(appearance)
        self._facts: tuple[Fact, ...] = ()
        self.setAccessibleName("Facts about the request")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        appearance.changed.connect(self.update)

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show other values."""
        if tuple(facts) != self._facts:
            is_other_height = len(facts) != len(self._facts)
            self._facts = tuple(facts)
            self.setAccessibleDescription("; ".join(f"{name}: {value}" for name, value in facts))
            if is_other_height:
                self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """As high as the rows are."""
        return QSize(200, len(self._facts) * ROW)

    def minimumSizeHint(self) -> QSize:
        """No less high."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows."""
        brush, painter = self._brush, QPainter(self)
        for row, (name, value) in enumerate(self._facts):
            top = row * ROW
            brush.write(painter, QRect(0, top, _NAMES, ROW), "small", "text-muted", name)
            room = QRect(_NAMES, top, self.width() - _NAMES, ROW)
            brush.write(painter, room, "small", "text", value, mode=Qt.TextElideMode.ElideMiddle)
