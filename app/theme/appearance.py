"""Appearance: which theme is shown now, and the signal that it changed."""

from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QStyleHints

from app.theme.tokens import Theme, load_theme

CHOICES: Final = (
    ("system", "Follow the system"),
    ("light", "Light"),
    ("dark", "Dark"),
    ("high-contrast", "High contrast, dark"),
    ("high-contrast-light", "High contrast, light"),
)
"""What can be chosen: its name in the settings, and in words."""


class Appearance(QObject):
    """The theme in use; follows the system's light, dark and contrast settings unless a scheme was chosen.

    Signals:
        changed: another theme is in use; widgets read colours and icons again.

    Thread: UI only.
    """

    changed = Signal()

    def __init__(self, setting: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._setting = setting
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        hints.accessibility().contrastPreferenceChanged.connect(self._follow)
        self._theme = load_theme(scheme_for(setting, hints))

    @property
    def theme(self) -> Theme:
        """The theme to paint with now."""
        return self._theme

    @property
    def setting(self) -> str:
        """What was chosen: the first of one of `CHOICES`."""
        return self._setting

    def choose(self, setting: str) -> None:
        """Follow the system, or show a scheme whatever the system says.

        Raises:
            KeyError: neither `system` nor a scheme.
        """
        scheme = scheme_for(setting, QGuiApplication.styleHints())
        load_theme(scheme)  # an unknown one is refused before anything changes
        self._setting = setting
        self._show(scheme)

    def _follow(self) -> None:
        self._show(scheme_for(self._setting, QGuiApplication.styleHints()))

    def _show(self, scheme: str) -> None:
        if scheme != self._theme.scheme:
            self._theme = load_theme(scheme)
            self.changed.emit()


def scheme_for(setting: str, hints: QStyleHints) -> str:
    """Name of the scheme for a setting; a system that does not say is taken as light."""
    if setting.startswith("high-contrast"):
        return setting
    is_dark = setting == "dark" or (setting == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return "high-contrast" if is_dark else "high-contrast-light"
    if setting == "system":
        return "dark" if is_dark else "light"
    return setting
