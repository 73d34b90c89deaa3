"""Bringing the window before all others, when somebody starts Hearth a second time."""

import os
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

_TOKEN: Final = "XDG_ACTIVATION_TOKEN"


def bring_forward(window: QWidget, token: str = "") -> None:
    """Show a window, un-minimise it and let it take the keyboard; where the desktop refuses, it asks for attention.

    Args:
        window: the window; it stays maximised if it was.
        token: what the desktop gave to the process that the person started; empty for none.
    """
    if token:
        os.environ[_TOKEN] = token  # where Qt looks when it activates a window
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
    os.environ.pop(_TOKEN, None)  # good for once; children have no use for it
    QApplication.alert(window)
