"""Labels for text of any origin: never read as HTML, wrapped, and selectable where it is worth copying."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QVBoxLayout, QWidget

from app.theme import Appearance


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
    label.setText(text)
    label.setProperty("role", role)
    label.setProperty("muted", is_muted)
    label.setWordWrap(True)
    if can_copy:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


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


def entry(appearance: Appearance, icon: str, role: str, title: str, text: str) -> QWidget:
    """Make an icon with a bold title and a quiet text below it."""
    theme = appearance.theme
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(text_label(title, "strong"))
    if text:
        words.addWidget(text_label(text, is_muted=True))
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.space("m"))
    mark = QVBoxLayout()
    mark.setContentsMargins(0, theme.space("xxs"), 0, 0)
    mark.addWidget(IconLabel(appearance, icon, role))
    mark.addStretch(1)
    row.addLayout(mark)
    row.addLayout(words, 1)
    return widget


def sentence_row(appearance: Appearance, icon: str, role: str, text: str) -> QWidget:
    """Make an icon with a sentence beside it."""
    theme = appearance.theme
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.space("m"))
    row.addWidget(IconLabel(appearance, icon, role), 0, Qt.AlignmentFlag.AlignTop)
    row.addWidget(text_label(text), 1)
    return widget


def clear(layout: QLayout) -> None:
    """Take everything out of a layout, and delete it once the events under way have ended."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)
            inner.deleteLater()
