"""ReasonNote: why a plugin does not run, with its details to copy."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.plugins.actions import Action, name_for
from app.plugins.wording import clean
from app.theme import Appearance
from app.theme.widgets import IconNote
from app.theme.widgets.labels import say, text_label
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


class ReasonNote(IconNote):
    """What happened in words, and a button; hidden while there is no reason.

    Signals:
        copy_pressed: the details are wanted.
    """

    copy_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "warning", "warning", "warn", parent)
        self._title = text_label("", "strong")
        self._text = text_label("", can_copy=True)
        self.add_label(self._title)
        self.add_label(self._text)
        self.copy_button = self.add_button("Copy details")
        self.copy_button.clicked.connect(self.copy_pressed)

    def show_reason(self, info: PluginInfo) -> None:
        """Show why a plugin is as it is."""
        say(self._title, _TITLES[info.state])
        say(self._text, clean(info.reason))
        self._text.setVisible(bool(info.reason))
        self.copy_button.setVisible(bool(info.details) or info.state in _BAD)
        self.copy_button.setAccessibleName(name_for(Action.DETAILS, info))
        self.setAccessibleName(f"{_TITLES[info.state]} {clean(info.reason)}")
        self.dress(*_LOOKS.get(info.state, ("warning", "warning", "warn")))
        self.setVisible(bool(info.reason) or info.state in _BAD)
