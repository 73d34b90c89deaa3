"""SidePane: details at the right of a page; and SideRoom, which has them beside the page or over it."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from app.theme.appearance import Appearance

_LEAST_WIDE: Final = 1180  # of the window


class SidePane(QFrame):
    """A pane of fixed width, its parts below each other.

    Attributes:
        whole: the column of its parts.

    Signals:
        close_pressed: the pane lies over the page and should go.

    Thread: UI only.
    """

    close_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("detailPane")
        self.setProperty("region", True)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(appearance.theme.size("detail-pane"))
        self._appearance = appearance
        self._close: QAbstractButton | None = None
        self.whole = QVBoxLayout(self)
        self.whole.setContentsMargins(1, 0, 0, 0)  # the line at the left belongs to the pane
        self.whole.setSpacing(0)

    def set_floating(self, is_floating: bool) -> None:
        """Say whether the pane lies over the page, and so needs a way to close it."""
        if self._close is not None:
            self._close.setVisible(is_floating)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_pressed.emit()
        else:
            super().keyPressEvent(event)

    def _add_footer(self, spacing: str) -> QHBoxLayout:
        """Add what does not scroll at the lower end; give its row, whose parts have a named distance."""
        theme = self._appearance.theme
        edge = theme.space("l") + theme.space("xs")
        footer = QFrame(self)
        footer.setProperty("line", "top")
        footer.setFixedHeight(theme.size("header"))
        row = QHBoxLayout(footer)
        row.setContentsMargins(edge, 0, edge, 0)
        row.setSpacing(theme.space(spacing))
        self.whole.addWidget(footer)
        return row

    def _add_head(self) -> QVBoxLayout:
        """Add what does not scroll at the upper end; give its column."""
        theme = self._appearance.theme
        head = QWidget(self)
        column = QVBoxLayout(head)
        edge = theme.space("l") + theme.space("xs")
        column.setContentsMargins(edge, theme.space("l"), theme.space("m"), theme.space("m"))
        column.setSpacing(theme.space("xxs"))
        self.whole.addWidget(head)
        return column

    def _close_with(self, button: QAbstractButton) -> None:
        """Take the button that closes the pane, which is seen only where that is needed."""
        self._close = button
        button.clicked.connect(self.close_pressed)


class SideRoom(QHBoxLayout):
    """What a page shows at the left, and its details beside that; or over it, at the right, while it is narrow.

    Thread: UI only.
    """

    def __init__(self, page: QWidget, left: QLayout, pane: SidePane) -> None:
        """Lay both out; the pane is hidden until there are details.

        Args:
            page: whose width decides, together with its window's.
            left: takes all room that the pane leaves.
            pane: the details.
        """
        super().__init__()
        self._page, self._pane = page, pane
        self._has_details = False
        self._is_open = False  # whether the details lie over the page now
        self.setSpacing(0)
        self.addLayout(left, 1)
        self.addWidget(pane)
        pane.hide()

    @property
    def is_wide(self) -> bool:
        """Whether the details have their place beside the rest."""
        return self._page.window().width() >= _LEAST_WIDE or self._page.width() >= _LEAST_WIDE

    @property
    def has_details(self) -> bool:
        """Whether there is something to show in the pane."""
        return self._has_details

    def set_has_details(self, has_details: bool) -> None:
        """Say whether there is something to show; `place` makes it seen, as with all that is said here."""
        self._has_details = has_details
        self._is_open = self._is_open and has_details

    def set_open(self, is_open: bool) -> None:
        """Say whether the details are wanted over the page, should it be narrow."""
        self._is_open = is_open and self._has_details

    def place(self, top: int = 0, *, is_hidden: bool = False) -> bool:
        """Place the details: beside the rest, over it, or nowhere.

        Args:
            top: pixels of the page that they leave free at the top when they lie over it.
            is_hidden: the page shows something that they do not belong to.

        Returns:
            Whether they can be seen.
        """
        page, pane, is_wide = self._page, self._pane, self.is_wide
        is_shown = not is_hidden and self._has_details and (is_wide or self._is_open)
        pane.set_floating(not is_wide)
        pane.setVisible(is_shown)
        is_beside = self.indexOf(pane) >= 0
        if is_wide and not is_beside:
            self.addWidget(pane)
        elif not is_wide:
            if is_beside:
                self.removeWidget(pane)
            width = pane.width()
            pane.setGeometry(page.width() - width, top, width, page.height() - top)
            pane.raise_()
        return is_shown
