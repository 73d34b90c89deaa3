"""DropZone and DropTile: where pictures go in, large on the empty page and small in the strip."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme import Appearance


def words_for_drop(count: int) -> str:
    """Say how many pictures a drag would add."""
    return f"Drop {count} picture{'' if count == 1 else 's'}"


class DropZone(QFrame):
    """The empty page: says what to do, and offers the two other ways in.

    Signals:
        open_pressed: choose files.
        paste_pressed: take the clipboard's picture.
    """

    open_pressed = Signal()
    paste_pressed = Signal()

    _TITLE = "Drop pictures here"

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("drop", "rest")
        self._appearance = appearance
        self._icon = QLabel(self)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(self._TITLE, self)
        self._title.setProperty("role", "title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint = QLabel("A model on this computer says what is in them. They are not sent anywhere.", self)
        self._hint.setProperty("muted", True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.open_button = QPushButton("Open pictures…", self)
        self.open_button.setProperty("kind", "primary")
        self.open_button.setToolTip("Open pictures (Ctrl+O)")
        self.paste_button = QPushButton("Paste a picture", self)
        self.paste_button.setToolTip("Paste the picture from the clipboard (Ctrl+V)")
        self.open_button.clicked.connect(self.open_pressed)
        self.paste_button.clicked.connect(self.paste_pressed)
        self._lay_out()
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def show_drag(self, count: int | None) -> None:
        """Show that a drag with this many pictures is over the page; None when it has left."""
        self._title.setText(self._TITLE if count is None else words_for_drop(count))
        _set_drop(self, "rest" if count is None else "over")

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.space("s"))
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.paste_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(theme.space("xs"))
        column.addStretch(1)
        column.addWidget(self._icon)
        column.addSpacing(theme.space("s"))
        column.addWidget(self._title)
        column.addWidget(self._hint)
        column.addSpacing(theme.space("l"))
        column.addLayout(buttons)
        column.addStretch(1)

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-large")
        self._icon.setPixmap(theme.icon("image", "text-muted", edge).pixmap(edge, edge))


class DropTile(QPushButton):
    """The same in the strip: one button that opens the file dialog and says that dropping and pasting work too."""

    _TITLE = "Drop more pictures"

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("drop", "rest")
        self.setAccessibleName("Add pictures")
        self.setToolTip("Add pictures (Ctrl+O)")
        self._appearance = appearance
        theme = appearance.theme
        self._icon = QLabel(self)
        self._title = QLabel(self._TITLE, self)
        self._title.setProperty("role", "strong")
        hint = QLabel(self)
        hint.setProperty("role", "small")
        hint.setProperty("muted", True)
        hint.setText("or choose, or paste")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(hint)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("l"), 0, theme.space("s"), 0)
        row.setSpacing(theme.space("m"))
        row.addWidget(self._icon)
        row.addLayout(words, 1)
        for label in (self._icon, self._title, hint):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def show_drag(self, count: int | None) -> None:
        """Show that a drag with this many pictures is over the page; None when it has left."""
        self._title.setText(self._TITLE if count is None else words_for_drop(count))
        _set_drop(self, "rest" if count is None else "over")

    def _paint_icon(self) -> None:
        theme = self._appearance.theme
        self._icon.setPixmap(theme.icon("image", "accent-ink", 28).pixmap(28, 28))


def _set_drop(widget: QWidget, state: str) -> None:
    if widget.property("drop") != state:
        widget.setProperty("drop", state)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
