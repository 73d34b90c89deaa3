"""Banner: what happened, why, and one button that helps, or up to three where it asks; it stays until it is closed."""

from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.icon_button import IconButton

Kind = Literal["bad", "warn", "info"]
_LOOK = {"bad": ("error", "danger"), "warn": ("warning", "warning"), "info": ("info", "info")}


class Banner(QFrame):
    """A message above a page's content; hidden while there is none.

    Signals:
        pressed: the button of the message was pressed.
        other_pressed: likewise the second one, where a message asks for a choice.
        third_pressed: likewise the third one.
        closed: the message was closed by the person.
        shown_or_hidden: there is a message now, or there is none.

    Thread: UI only.
    """

    pressed = Signal()
    other_pressed = Signal()
    third_pressed = Signal()
    closed = Signal()
    shown_or_hidden = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._kind: Kind = "info"
        self._icon = QLabel(self)
        self._cause = _text_label("strong", self)
        self._remedy = _text_label("body", self)
        self._button = QPushButton(self)
        self._other = QPushButton(self)
        self._third = QPushButton(self)
        for button in (self._button, self._other, self._third):
            button.setProperty("small", True)
        self._close = IconButton(appearance, "close", "Close this message", small=True, parent=self)
        self._lay_out()
        self._button.clicked.connect(self.pressed)
        self._other.clicked.connect(self.other_pressed)
        self._third.clicked.connect(self.third_pressed)
        self._close.clicked.connect(self._on_close)
        appearance.changed.connect(self._paint_icon)
        self.hide()

    def show_message(
        self, kind: Kind, cause: str, remedy: str = "", button: str = "", other: str = "", third: str = ""
    ) -> None:
        """Show a message in place of the one before.

        Args:
            kind: bad (it failed), warn (it will fail), info.
            cause: one sentence, shown bold.
            remedy: one sentence: what Hearth did, or what the person can do.
            button: words of the button; empty hides it.
            other: words of a second button; likewise.
            third: words of a third one; likewise.
        """
        self._kind = kind
        self._cause.setText(cause)
        self._remedy.setText(remedy)
        self._remedy.setVisible(bool(remedy))
        for widget, words in ((self._button, button), (self._other, other), (self._third, third)):
            widget.setText(words)
            widget.setVisible(bool(words))
        self.setAccessibleName(f"{cause} {remedy}".strip())
        self.setProperty("banner", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self._paint_icon()
        self._set_shown(True)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.accessibleName()))

    @property
    def message(self) -> str:
        """The words that are shown; empty while hidden."""
        return self.accessibleName() if not self.isHidden() else ""

    def clear(self) -> None:
        """Hide the message, without `closed`."""
        self._set_shown(False)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        words = QVBoxLayout()
        words.setSpacing(theme.space("xxs"))
        words.addWidget(self._cause)
        words.addWidget(self._remedy)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("l"), theme.space("m"), theme.space("s"), theme.space("m"))
        row.setSpacing(theme.space("m"))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for button in (self._button, self._other, self._third):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        self._icon.setFixedSize(QSize(theme.size("icon"), theme.size("icon")))

    def _paint_icon(self) -> None:
        name, role = _LOOK[self._kind]
        theme = self._appearance.theme
        edge = theme.size("icon")
        self._icon.setPixmap(theme.icon(name, role, edge).pixmap(edge, edge))

    def _set_shown(self, is_shown: bool) -> None:
        self.setVisible(is_shown)
        self.shown_or_hidden.emit()

    def _on_close(self) -> None:
        self._set_shown(False)
        self.closed.emit()


def _text_label(role: str, parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
