"""IconButton: a flat button with an icon alone, and words for everybody who does not see it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QToolButton, QWidget

from app.theme.appearance import Appearance


class IconButton(QToolButton):
    """A square button of 32 or 28 pixels; its icon follows the theme."""

    def __init__(
        self,
        appearance: Appearance,
        icon: str,
        name: str,
        *,
        shortcut: str = "",
        small: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._icon = icon
        self._keys = QShortcut(self)  # a button's own shortcut acts only a tenth of a second later
        self._keys.activated.connect(self.click)
        self._icon_edge = appearance.theme.size("icon-small" if small else "icon")
        edge = appearance.theme.size("control-small" if small else "control")
        self.setFixedSize(edge, edge)
        self.setIconSize(QSize(self._icon_edge, self._icon_edge))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.set_name(name, shortcut)
        self._paint_icon()
        appearance.changed.connect(self._paint_icon)

    def set_name(self, name: str, shortcut: str = "") -> None:
        """Say what the button does, such as "Stop the answer"; a shortcut is shown in the tooltip and set."""
        self.setAccessibleName(name)
        self.setToolTip(f"{name} ({QKeySequence(shortcut).toString()})" if shortcut else name)
        self._keys.setKey(QKeySequence(shortcut))

    def set_icon(self, icon: str) -> None:
        """Show another icon of `resources/icons`."""
        self._icon = icon
        self._paint_icon()

    def _paint_icon(self) -> None:
        role = "accent-ink" if self.isCheckable() else None
        self.setIcon(self._appearance.theme.icon(self._icon, "text", self._icon_edge, checked_role=role))
