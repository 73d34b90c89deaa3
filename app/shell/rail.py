"""Rail: the pages, one button each, at the left edge of the window."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from app.theme import Appearance


class Rail(QFrame):
    """Exclusive buttons; arrow keys move between them.

    Signals:
        chosen: index of the page that the person wants.
    """

    chosen = Signal(int)

    def __init__(
        self, appearance: Appearance, entries: Sequence[tuple[str, str]], parent: QWidget | None = None
    ) -> None:
        """Make one button per entry: its title and its icon."""
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName("Pages")
        self._appearance = appearance
        self._icons = [icon for _, icon in entries]
        self._group = QButtonGroup(self)
        theme = appearance.theme
        self.setFixedWidth(theme.size("rail"))
        column = QVBoxLayout(self)
        gap = theme.space("xs")
        column.setContentsMargins(gap, theme.space("s"), gap - 1, theme.space("s"))
        column.setSpacing(gap)
        for index, (title, _) in enumerate(entries):
            button = self._button(title, f"Ctrl+{index + 1}")
            self._group.addButton(button, index)
            column.addWidget(button)
        column.addStretch(1)
        self._group.idClicked.connect(self.chosen)
        self._paint_icons()
        appearance.changed.connect(self._paint_icons)

    @property
    def buttons(self) -> list[QToolButton]:
        """The page buttons, top to bottom."""
        return [button for button in self._group.buttons() if isinstance(button, QToolButton)]

    def mark(self, index: int) -> None:
        """Show which page is open."""
        self._group.button(index).setChecked(True)

    def focus_first(self) -> None:
        """Give the keyboard to the open page's button."""
        self._group.button(self._group.checkedId()).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys; the page opens with the move, as in a list of tabs."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        index = (self._group.checkedId() + step) % len(self._icons)
        self._group.button(index).setFocus(Qt.FocusReason.TabFocusReason)
        self._group.button(index).click()

    def _button(self, title: str, shortcut: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(title)
        button.setAccessibleName(f"Open {title}")
        button.setToolTip(f"{title} ({QKeySequence(shortcut).toString()})")
        button.setCheckable(True)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        edge = self._appearance.theme.size("icon")
        button.setIconSize(QSize(edge, edge))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _paint_icons(self) -> None:
        theme = self._appearance.theme
        for button, icon in zip(self._group.buttons(), self._icons, strict=True):
            button.setIcon(theme.icon(icon, "text-muted", checked_role="accent-ink"))
