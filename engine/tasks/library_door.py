"""LibraryDoor: the part of the engine's door that looks after the models that are here."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cards import GateReport, LibraryFolder, ModelCard, ModelDefaults

if TYPE_CHECKING:
    from engine.tasks.library_desk import LibraryDesk


class LibraryDoor(ABC):
    """What the library of models adds to the door; `Engine` is one. All of it works while the engine is closed too."""

    @abstractmethod
    def _library_desk(self) -> "LibraryDesk":
        """Does it."""

    def cards(self) -> tuple[ModelCard, ...]:
        """All models that are here, sorted by id, from the index and a look at what has changed on disk."""
        return self._library_desk().cards()

    def card(self, model: str) -> ModelCard:
        """Everything about one model.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: its file is broken, or refused.
        """
        return self._library_desk().card(model)

    def library_version(self) -> int:
        """A number that goes up whenever `cards` would say something else; microseconds."""
        return self._library_desk().version()

    def library_folders(self) -> tuple[LibraryFolder, ...]:
        """All folders that are searched, and those of other programs that could be."""
        return self._library_desk().folders()

    def import_model(self, path: Path, *, move: bool = False) -> int:
        """Begin to take a file (or a folder of files) into Hearth's own folder, through the gates; returns the job.

        Args:
            path: a `.gguf` or `.onnx` file, with its parts and what belongs to it; or a folder.
            move: remove it where it was, once it is here.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: its header is refused already.
            JobError: work in the background cannot be done.
        """
        return self._library_desk().begin_import(path, move=move)

    def verify_model(self, model: str) -> int:
        """Begin to read a model's whole file, compare it with what its hub says, and try it again; returns the job.

        Raises:
            ModelNotFoundError: there is none.
            JobError: work in the background cannot be done.
        """
        return self._library_desk().begin_verify(model)

    async def probe_model(self, model: str) -> GateReport:
        """Try a model in a process of its own, whatever is known of it.

        Raises:
            ModelNotFoundError: there is none.
        """
        return await asyncio.to_thread(self._library_desk().probe, model)

    async def remove_model(self, model: str, *, permanently: bool = False) -> tuple[Path, ...]:
        """Put a model's files into the trash, or delete them; returns which.

        Args:
            model: its id.
            permanently: delete them; otherwise they go to the system's trash.

        Raises:
            ModelError: it came with Hearth, belongs to another program, is in use, or there is no trash.
        """
        return await asyncio.to_thread(self._library_desk().remove, model, permanently=permanently)

    def rename_model(self, model: str, title: str) -> None:
        """Call a model something else; an empty title takes its own name again. The file keeps its name."""
        self._library_desk().rename(model, title)

    def tag_model(self, model: str, tags: Sequence[str]) -> None:
        """Replace a model's tags."""
        self._library_desk().tag(model, tags)

    def favour_model(self, model: str, is_favourite: bool) -> None:
        """Mark a model as a favourite, or no longer."""
        self._library_desk().favour(model, is_favourite)

    def set_model_defaults(self, model: str, defaults: ModelDefaults) -> None:
        """Set what holds for one model; it counts from the next load on.

        Raises:
            InvalidRequestError: a number makes no sense.
        """
        self._library_desk().set_defaults(model, defaults)
