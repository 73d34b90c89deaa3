"""Rail: the pages, one button each, at the left edge of the window."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from app.theme import Appearance

_BADGE = 16
_BADGE_MIDDLE = (42, 11)  # of the badge, in the button
_MOST = 99


class RailButton(QToolButton):
    """A page's button, with a badge that counts what waits there."""

    def __init__(self, appearance: Appearance, title: str, shortcut: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._title = title
        self._keys = QKeySequence(shortcut).toString()
        self._count = 0
        self.setText(title)
        self.setCheckable(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        edge = appearance.theme.size("icon")
        self.setIconSize(QSize(edge, edge))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._say()

    @property
    def badge(self) -> str:
        """What the badge says; empty while there is none."""
        return "" if not self._count else str(self._count) if self._count <= _MOST else f"{_MOST}+"

    def set_count(self, count: int) -> None:
        """Count what waits; 0 takes the badge away."""
        if count != self._count:
            self._count = count
            self._say()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the badge over the button, with a ring of its ground around it."""
        super().paintEvent(event)
        if not self._count:
            return
        theme, words = self._appearance.theme, self.badge
        font = theme.font("caption")
        font.setWeight(font.Weight.DemiBold)
        width = max(_BADGE, QFontMetrics(font).horizontalAdvance(words) + 8)
        left = min(_BADGE_MIDDLE[0] - _BADGE / 2, self.width() - width - 2)
        badge = QRectF(left, _BADGE_MIDDLE[1] - _BADGE / 2, width, _BADGE)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for rect, role in ((badge.adjusted(-1.5, -1.5, 1.5, 1.5), "window"), (badge, "accent")):
            painter.setBrush(theme.color(role))
            painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
        painter.setFont(font)
        painter.setPen(theme.color("accent-text"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, words)

    def _say(self) -> None:
        more = f", {self._count:,} waiting" if self._count else ""
        self.setAccessibleName(f"Open {self._title}{more}")
        self.setToolTip(f"{self._title} ({self._keys}){more}")


class Rail(QFrame):
    """Exclusive buttons; arrow keys move between them.

    Signals:
        chosen: index of the page that the person wants.
    """

    chosen = Signal(int)

    def __init__(
        self,
        appearance: Appearance,
        entries: Sequence[tuple[str, str]],
        parent: QWidget | None = None,
        *,
        foot: int = 0,
    ) -> None:
        """Make one button per entry: its title and its icon; the last `foot` of them stand at the bottom."""
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
            button = RailButton(appearance, title, f"Ctrl+{index + 1}", self)
            self._group.addButton(button, index)
            if index == len(entries) - foot:
                column.addStretch(1)
            column.addWidget(button)
        if not foot:
            column.addStretch(1)
        self._group.idClicked.connect(self.chosen)
        self._paint_icons()
        appearance.changed.connect(self._paint_icons)

    @property
    def buttons(self) -> list[QToolButton]:
        """The page buttons, top to bottom."""
        return [button for button in self._group.buttons() if isinstance(button, QToolButton)]

    def set_badge(self, index: int, count: int) -> None:
        """Show how many wait on a page, twice a second at no cost; 0 shows nothing."""
        button = self._group.button(index)
        if isinstance(button, RailButton):
            button.set_count(count)

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

    def _paint_icons(self) -> None:
        theme = self._appearance.theme
        for button, icon in zip(self._group.buttons(), self._icons, strict=True):
            button.setIcon(theme.icon(icon, "text-muted", checked_role="accent-ink"))
