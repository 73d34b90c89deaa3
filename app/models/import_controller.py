"""ImportController: files and folders on their way into Hearth's own folder."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.models.hub_settings import reason_of
from app.models.hub_source import ImportSource
from app.tasks import Tasks
from engine import EngineError


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken.

    Attributes:
        name: of the file.
        cause: why, in one sentence.
        remedy: what to do.
    """

    name: str
    cause: str
    remedy: str


class ImportController(QObject):
    """Begins imports; each is a job of its own, and one that is refused stops no other.

    Signals:
        began: numbers of the jobs that began.
        refused: the `Refusal`s of one import.
        changed: `looking` is another.

    Thread: UI only.
    """

    began = Signal(object)
    refused = Signal(object)
    changed = Signal()

    def __init__(self, engine: ImportSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tasks = tasks
        self._looking = 0

    @property
    def looking(self) -> int:
        """How many files are being looked at before their jobs begin."""
        return self._looking

    @property
    def free_bytes(self) -> int:
        """Free on the disk that models go to."""
        return self._engine.hub_state().free_bytes

    def import_paths(self, paths: Sequence[Path], *, move: bool = False) -> None:
        """Begin to take files and folders into Hearth's own folder.

        Args:
            paths: which; what is no model is refused with a sentence.
            move: remove them where they were, once they are here.
        """
        if paths:
            self._tasks.start(self._import(tuple(paths), move), on_error=self._fail, name="import")

    async def _import(self, paths: tuple[Path, ...], move: bool) -> None:
        self._count(len(paths))
        jobs: list[int] = []
        refusals: list[Refusal] = []
        try:
            for path in paths:
                try:
                    jobs.append(await asyncio.to_thread(self._engine.import_model, path, move=move))
                except EngineError as error:
                    refusals.append(Refusal(path.name, error.cause, error.remedy))
        finally:
            self._count(-len(paths))
            if jobs:
                self.began.emit(tuple(jobs))
            if refusals:
                self.refused.emit(tuple(refusals))

    def _count(self, change: int) -> None:
        self._looking += change
        self.changed.emit()

    def _fail(self, error: Exception) -> None:
        self.refused.emit((Refusal("", *reason_of(error)),))
