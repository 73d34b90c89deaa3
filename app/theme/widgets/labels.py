"""Labels for text of any origin: never read as HTML, wrapped, and selectable where it is worth copying."""

import re
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from app.theme.appearance import Appearance

_RUN: Final = re.compile(r"(\S{20})(?=\S)")


def breakable(text: str) -> str:
    """A text whose long words may be broken: a label neither wraps nor shows a word that is wider than itself."""
    return _RUN.sub("\\1\u200b", text)


def text_label(text: str, role: str = "body", *, is_muted: bool = False, can_copy: bool = False) -> QLabel:
    """Make a label that wraps.

    Args:
        text: plain text.
        role: a type style that the style sheet knows.
        is_muted: say it quietly.
        can_copy: whether the mouse can select it.
    """
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(breakable(text))
    label.setMinimumWidth(1)  # else one long word decides how wide everything around it is
    if role != "body":
        label.setProperty("role", role)
    if is_muted:
        label.setProperty("muted", True)
    label.setWordWrap(True)
    if can_copy:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def say(label: QLabel, words: str) -> None:
    """Change a label's words; one that says them already costs no layout."""
    shown = breakable(words) if label.wordWrap() else words
    if label.text() != shown:
        label.setText(shown)


class IconLabel(QLabel):
    """An icon that follows the theme; the words beside it say the same."""

    def __init__(self, appearance: Appearance, icon: str, role: str, size: str = "icon-small") -> None:
        super().__init__()
        self._appearance = appearance
        self._edge = appearance.theme.size(size)
        self._shown = (icon, role)
        self.setFixedSize(self._edge, self._edge)
        self._paint()
        appearance.changed.connect(self._paint)

    def show_icon(self, icon: str, role: str) -> None:
        """Show another icon, or in the colour of another role."""
        if (icon, role) != self._shown:
            self._shown = (icon, role)
            self._paint()

    def _paint(self) -> None:
        icon, role = self._shown
        self.setPixmap(self._appearance.theme.icon(icon, role, self._edge).pixmap(self._edge, self._edge))
