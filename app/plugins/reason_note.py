"""ReasonNote: why a plugin does not run, with its details to copy."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.plugins.actions import Action, name_for
from app.plugins.wording import clean
from app.theme import Appearance
from app.theme.widgets.labels import IconLabel, say, text_label
from engine import PluginInfo, PluginState

_TITLES = {
    PluginState.ACTIVE: "It had a problem.",
    PluginState.STARTING: "It is being started again.",
    PluginState.DISABLED: "It is turned off.",
    PluginState.NEEDS_CONSENT: "It does not run before you allow it.",
    PluginState.STOPPED: "It was stopped.",
    PluginState.REFUSED: "It cannot be used.",
}
_BAD = {PluginState.STOPPED, PluginState.REFUSED}
_LOOKS = {  # icon, colour role, kind of banner
    PluginState.DISABLED: ("info", "info", "info"),
    PluginState.STOPPED: ("error", "danger", "bad"),
    PluginState.REFUSED: ("error", "danger", "bad"),
}


class ReasonNote(QFrame):
    """What happened in words, and a button; hidden while there is no reason.

    Signals:
        copy_pressed: the details are wanted.
    """

    copy_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._icon = IconLabel(appearance, "warning", "warning")
        self._title = text_label("", "strong")
        self._text = text_label("", can_copy=True)
        self.copy_button = QPushButton("Copy details", self)
        self.copy_button.setProperty("small", True)
        self.copy_button.clicked.connect(self.copy_pressed)
        self._lay_out()

    def show_reason(self, info: PluginInfo) -> None:
        """Show why a plugin is as it is."""
        say(self._title, _TITLES[info.state])
        say(self._text, clean(info.reason))
        self._text.setVisible(bool(info.reason))
        self.copy_button.setVisible(bool(info.details) or info.state in _BAD)
        self.copy_button.setAccessibleName(name_for(Action.DETAILS, info))
        self.setAccessibleName(f"{_TITLES[info.state]} {clean(info.reason)}")
        self._dress(*_LOOKS.get(info.state, ("warning", "warning", "warn")))
        self.setVisible(bool(info.reason) or info.state in _BAD)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        words = QVBoxLayout()
        words.setSpacing(theme.space("xxs"))
        words.addWidget(self._title)
        words.addWidget(self._text)
        press = QHBoxLayout()
        press.setContentsMargins(0, theme.space("xs"), 0, 0)
        press.addWidget(self.copy_button)
        press.addStretch(1)
        words.addLayout(press)
        mark = QVBoxLayout()
        mark.addWidget(self._icon)
        mark.addStretch(1)
        row = QHBoxLayout(self)
        edge = theme.space("m")
        row.setContentsMargins(edge, edge, edge, edge)
        row.setSpacing(edge)
        row.addLayout(mark)
        row.addLayout(words, 1)

    def _dress(self, icon: str, role: str, kind: str) -> None:
        self._icon.show_icon(icon, role)
        if self.property("banner") != kind:
            self.setProperty("banner", kind)
            self.style().unpolish(self)
            self.style().polish(self)
