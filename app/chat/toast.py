"""Toast: a note about something that can be undone; it goes away by itself."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from app.theme import Appearance
from app.theme.widgets import IconButton


class Toast(QWidget):
    """One note at the foot of its parent, at the right.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self._appearance = appearance
        self._foot = 0
        self._undo: Callable[[], None] | None = None
        theme = appearance.theme
        self._words = QLabel(self)
        self.button = QPushButton("Undo", self)
        self.button.setProperty("kind", "flat")
        self.button.setProperty("small", True)
        close = IconButton(appearance, "close", "Close this note", small=True, parent=self)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("l"), theme.space("s"), theme.space("s"), theme.space("s"))
        row.setSpacing(theme.space("s"))
        row.addWidget(self._words)
        row.addSpacing(theme.space("xl"))
        row.addWidget(self.button)
        row.addWidget(close)
        self._timer = QTimer(self, singleShot=True, interval=theme.motion_ms("toast-stays"))
        self._timer.timeout.connect(self.hide)
        close.clicked.connect(self.hide)
        self.button.clicked.connect(self._on_undo)
        self.hide()

    def offer_undo(self, words: str, undo: Callable[[], None]) -> None:
        """Say what was done, and let it be undone for some seconds; `place` it first."""
        self._undo = undo
        self._words.setText(words)
        self.button.setAccessibleName(f"Undo: {words}")
        self.adjustSize()
        self.place(self._foot)
        self.show()
        self.raise_()
        self._timer.start()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def place(self, foot: int) -> None:
        """Stand at the right, above a height of the parent that must stay free."""
        self._foot = foot
        theme = self._appearance.theme
        self.move(self._room.width() - self.width() - theme.space("l"), foot - self.height() - theme.space("s"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("border-strong"))
        painter.setBrush(theme.color("raised"))
        radius = theme.radius("medium")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _on_undo(self) -> None:
        self.hide()
        if self._undo is not None:
            self._undo()
