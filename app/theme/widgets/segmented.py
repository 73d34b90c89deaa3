"""Segmented: a few choices side by side, one of them chosen."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget


class Segmented(QFrame):
    """A row of exclusive buttons; arrow keys move between them.

    Signals:
        picked: the choice that the person has made.

    Thread: UI only.
    """

    picked = Signal(str)

    def __init__(self, name: str, choices: Sequence[str], parent: QWidget | None = None) -> None:
        """Make one button per choice; `name` says what is chosen."""
        super().__init__(parent)
        self.setProperty("segmented", True)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._choices = tuple(choices)
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for index, choice in enumerate(choices):
            button = QToolButton(self)
            button.setText(choice)
            button.setAccessibleName(f"{name}: {choice}")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.idClicked.connect(lambda index: self.picked.emit(self._choices[index]))
        self._group.idToggled.connect(self._let_tab_in)
        if choices:
            self.setFocusProxy(self._group.button(0))

    @property
    def choice(self) -> str | None:
        """What is chosen; None for nothing."""
        index = self._group.checkedId()
        return self._choices[index] if index >= 0 else None

    def choose(self, choice: str) -> None:
        """Choose without `picked`; an unknown choice changes nothing."""
        if choice in self._choices:
            self._group.button(self._choices.index(choice)).setChecked(True)

    def rename(self, choice: str, words: str) -> None:
        """Write other words on a choice, such as one with a number; it stays the same choice."""
        button = self._group.button(self._choices.index(choice))
        if button.text() != words:
            button.setText(words)
            button.setAccessibleName(f"{self.accessibleName()}: {words}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys; the choice goes along."""
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        focused = self.focusWidget()
        at = self._group.id(focused) if isinstance(focused, QToolButton) else self._group.checkedId()
        button = self._group.button((at + step) % len(self._choices))
        button.setFocus(Qt.FocusReason.TabFocusReason)
        button.click()

    def _let_tab_in(self) -> None:
        """One stop of the Tab key for all: the chosen button."""
        for index, button in enumerate(self._group.buttons()):
            is_stop = index == max(0, self._group.checkedId())
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus if is_stop else Qt.FocusPolicy.NoFocus)
            if is_stop:
                self.setFocusProxy(button)
