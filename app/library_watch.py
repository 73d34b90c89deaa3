"""LibraryWatch: says that other models are here than before, to pages that list them."""

from PySide6.QtCore import QObject, Signal

from engine import Engine


class LibraryWatch(QObject):
    """Follows the library of an engine; the first look says nothing, since every page looks by itself when it opens.

    Signals:
        changed: models came, went, or are called something else.

    Thread: UI only.
    """

    changed = Signal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._version: int | None = None

    def look(self) -> None:
        """Look now; microseconds."""
        version = self._engine.library_version()
        before, self._version = self._version, version
        if before not in (None, version):
            self.changed.emit()
