"""LibraryWatch: says that other models are here than before, to pages that list them."""

import asyncio

from PySide6.QtCore import QObject, Signal

from app.tasks import Tasks
from engine import Engine


class LibraryWatch(QObject):
    """Follows the library of an engine; every page looks for models by itself when it opens.

    Signals:
        changed: models came, went, or are called something else.

    Thread: UI only; what is made for the first look is made on another thread.
    """

    changed = Signal()

    def __init__(self, engine: Engine, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tasks = tasks
        self._version: int | None = None

    def open(self) -> None:
        """Begin to follow. Safe to call twice."""
        if self._version is None:
            self._tasks.start(self._begin(), name="follow the library")

    def look(self) -> None:
        """Look now; microseconds."""
        if self._version is not None:
            version = self._engine.library_version()
            if version != self._version:
                self._version = version
                self.changed.emit()

    async def _begin(self) -> None:
        self._version = await asyncio.to_thread(self._engine.library_version)
