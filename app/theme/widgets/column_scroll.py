"""ColumnScroll: scrolls a column of fixed width, which leaves room for the scroll bar whether it is there or not.

A column that became narrower by a scroll bar would wrap its texts anew, which may take the scroll bar away again.
"""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

_BAR = 12  # as wide as the style sheet says


class ColumnScroll(QScrollArea):
    """A transparent scroll area without a frame."""

    def __init__(self, name: str, column: QWidget, width: int, parent: QWidget) -> None:
        """Take a column.

        Args:
            name: what is in it, for those who do not see it.
            column: what is scrolled; its margins are its own.
            width: of column and scroll bar together.
            parent: where it lives.
        """
        super().__init__(parent)
        column.setFixedWidth(width - _BAR)
        self.setWidget(column)
        column.setAutoFillBackground(False)  # QScrollArea has just set it
        self.viewport().setAutoFillBackground(False)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
