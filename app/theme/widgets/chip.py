"""Chip: a small coloured word that says a state or a property."""

from typing import Literal

from PySide6.QtWidgets import QLabel, QWidget

Tone = Literal["neutral", "ok", "warn", "bad", "info", "accent", "outline"]


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
