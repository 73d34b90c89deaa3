"""GivenModels: model files that somebody opened with Hearth; those that are here are shown, the others offered."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.models.controllers import ModelsControllers
from app.models.rows import Row, rows_of

if TYPE_CHECKING:
    from app.models.board import ModelsBoard


class GivenModels(QObject):
    """Looks whether files lie where the library finds them already.

    Thread: UI only.
    """

    def __init__(self, controllers: ModelsControllers, board: "Callable[[], ModelsBoard]", parent: QObject) -> None:
        """Look at nothing yet.

        Args:
            controllers: all that is behind the page.
            board: gives the content of the page.
            parent: where it lives.
        """
        super().__init__(parent)
        self._controllers = controllers
        self._board = board
        self._wanted = ""  # id of a row that the list does not have yet

    def open(self, paths: Sequence[Path]) -> None:
        """Show what is here, and ask whether the rest is to be imported."""
        self._controllers.tasks.start(self._open(tuple(paths)), name="open models")

    async def _open(self, paths: tuple[Path, ...]) -> None:
        here, others = await asyncio.to_thread(self._split, paths)
        board = self._board()
        if here:
            self._wanted = here[0]
            installed = self._controllers.installed
            installed.changed.connect(self._show_wanted)
            installed.look()
            self._show_wanted()
        if others:
            board.drop.ask(others)

    def _split(self, paths: tuple[Path, ...]) -> tuple[list[str], list[Path]]:
        """Ids of those that are here, and the others; a model of several files is here with each of them."""
        engine = self._controllers.engine
        rows = rows_of(engine.cards(), engine.library_folders())
        known = {os.path.realpath(file): row.id for row in rows for file in _files(row)}
        found = [(path, known.get(os.path.realpath(path), "")) for path in paths]
        return [model for _, model in found if model], [path for path, model in found if not model]

    def _show_wanted(self) -> None:
        if self._wanted and self._controllers.installed.find(self._wanted) is not None:
            self._controllers.installed.changed.disconnect(self._show_wanted)
            model, self._wanted = self._wanted, ""
            self._board().installed.bar.show_all()
            self._board().show_model(model)


def _files(row: Row) -> tuple[Path, ...]:
    return (row.path, *(row.card.files if row.card is not None else ()))
