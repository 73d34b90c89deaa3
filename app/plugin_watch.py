"""PluginWatch: says on the UI thread that other plugins run than before."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal

from engine import Engine


class PluginWatch(QObject):
    """Follows the plugins of an engine.

    Signals:
        changed: other plugins run, or with other settings; new numbers of one do not count.

    Thread: UI only; the engine tells of changes on any.
    """

    changed = Signal()
    _told = Signal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._known: tuple[str, ...] = ()
        self._remove: Callable[[], None] | None = None
        self._told.connect(self._look, Qt.ConnectionType.QueuedConnection)

    def open(self) -> None:
        """Begin to follow. Safe to call twice."""
        if self._remove is None:
            self._remove = self._engine.plugins.add_listener(self._told.emit)

    def close(self) -> None:
        """Follow no longer. Safe to call twice."""
        if self._remove is not None:
            self._remove()
            self._remove = None

    def _look(self) -> None:
        found = self._engine.plugins.snapshot()
        known = tuple(f"{info.id} {info.state} {info.digest} {info.settings}" for info in found)
        if known != self._known and self._remove is not None:
            self._known = known
            self.changed.emit()
