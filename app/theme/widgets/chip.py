"""Chip: a small coloured word that says a state or a property, with an icon where a colour alone would not do."""

from typing import Final, Literal

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.theme.appearance import Appearance

Tone = Literal["neutral", "ok", "warn", "bad", "info", "accent", "outline"]
_INK: Final = {
    "neutral": "text-muted",
    "ok": "success",
    "warn": "warning",
    "bad": "danger",
    "info": "info",
    "accent": "accent-ink",
    "outline": "text-muted",
}
_PADDING: Final = 8  # as in the style sheet
_GAP: Final = 5


class Chip(QLabel):
    """A word on a quiet fill; the style sheet gives the colours of its tone."""

    def __init__(self, text: str = "", tone: Tone = "neutral", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("tone", tone)

    def show_state(self, text: str, tone: Tone) -> None:
        """Say another word in another tone."""
        self.setText(text)
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            self.style().unpolish(self)
            self.style().polish(self)


class IconChip(Chip):
    """A chip with an icon before its word."""

    def __init__(
        self, appearance: Appearance, icon: str, text: str, tone: Tone = "neutral", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, tone, parent)
        self._appearance = appearance
        self._icon = icon
        self.setAccessibleName(text)
        self.setIndent(appearance.theme.size("icon-small") + _GAP)
        appearance.changed.connect(self.update)

    def show_look(self, icon: str, text: str, tone: Tone) -> None:
        """Say another word in another tone, with another icon."""
        if (icon, text, tone) != (self._icon, self.text(), self.property("tone")):
            self._icon = icon
            self.show_state(text, tone)
            self.setAccessibleName(text)

    def explain(self, words: str) -> None:
        """Say more about it, in a tooltip and to those who do not see it."""
        self.setToolTip(words)
        self.setAccessibleDescription(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the chip, then its icon."""
        super().paintEvent(event)
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        painter = QPainter(self)
        place = QRect(_PADDING, (self.height() - edge) // 2, edge, edge)
        theme.icon(self._icon, _INK[self.property("tone")], edge).paint(painter, place)
