"""HubMenu: what holds for all downloads: their speed, the network as a whole, the token for gated models."""

from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.models.hub_settings import HubSettings
from app.models.hub_words import rate_words

LIMITS: Final = (0, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 25_000_000)
"""Choices of the speed of all downloads together, in bytes a second; 0 is no limit."""


class HubMenu(QMenu):
    """Shows what is set when it opens, and passes on what is chosen.

    Signals:
        token_pressed: a token is to be entered or forgotten.

    Attributes:
        offline: the switch for all use of the network.
    """

    token_pressed = Signal()

    def __init__(self, settings: HubSettings, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings = settings
        self._limits = QMenu("Speed of downloads", self)
        self.addMenu(self._limits)
        self.offline = QAction("Work offline", self, checkable=True)
        self.offline.setToolTip("Nothing of Hearth uses the network while this is on.")
        self.offline.triggered.connect(settings.set_offline)
        self.addAction(self.offline)
        self._token = QAction("Token for models that need an account…", self)
        self._token.triggered.connect(self.token_pressed)
        self.addAction(self._token)
        self._group = QActionGroup(self)
        self.aboutToShow.connect(self.show_state)

    @property
    def limits(self) -> QMenu:
        """The choices of speed."""
        return self._limits

    def show_state(self) -> None:
        """Tick what holds now."""
        state = self._settings.state
        self.offline.setChecked(state.is_offline)
        for action in self._group.actions():
            self._group.removeAction(action)
        self._limits.clear()
        for limit in sorted({*LIMITS, state.bytes_per_s}):
            action = QAction(rate_words(limit) if limit else "As fast as it goes", self._limits, checkable=True)
            action.setChecked(limit == state.bytes_per_s)
            action.triggered.connect(partial(self._choose, limit))
            self._group.addAction(action)
            self._limits.addAction(action)

    def _choose(self, limit: int, _checked: bool = False) -> None:
        self._settings.set_limit(limit)
