"""WatchingPage: a page that has somebody look at the engine while it can be seen, and only then."""

from PySide6.QtGui import QHideEvent, QShowEvent, QWindow
from PySide6.QtWidgets import QWidget


class WatchingPage(QWidget):
    """Tells `watch` whether it can be seen: it is shown, and its window is not minimised.

    Thread: UI only.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._handle: QWindow | None = None

    def watch(self, is_seen: bool) -> None:
        """Begin to look, or stop; called again and again."""
        raise NotImplementedError

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to look."""
        super().showEvent(event)
        self._follow_window()
        self._tell()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop looking."""
        super().hideEvent(event)
        self.watch(False)

    def _follow_window(self) -> None:
        """Notice when the window is minimised, which not every system tells the widgets inside."""
        handle = self.window().windowHandle()
        if handle is not None and handle is not self._handle:
            self._handle = handle
            handle.windowStateChanged.connect(self._tell)

    def _tell(self) -> None:
        self.watch(self.isVisible() and not self.window().isMinimized())
