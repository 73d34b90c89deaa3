"""ForegroundDoor: what the library can do for a program that waits for it, such as a command."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.jobs import JobControl
    from engine.tasks.importing import Imported
    from engine.tasks.library_desk import LibraryDesk
    from engine.tasks.verifying import Verified


class ForegroundDoor(ABC):
    """What the library adds to the door for those that wait; `Engine` is one. Thread: any but an event loop's."""

    @abstractmethod
    def _library_desk(self) -> "LibraryDesk":
        """Does it."""

    def import_now(self, path: Path, control: "JobControl", *, move: bool = False) -> tuple["Imported", ...]:
        """Take a file, or the models of a folder, into Hearth's own folder, through the gates, without a job.

        Args:
            path: a `.gguf` or `.onnx` file, with its parts and what belongs to it; or a folder.
            control: hears how far it is, and can stop it.
            move: remove it where it was, once it is here.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is refused; says why, and what to do.
            JobError: it cannot be written here.
            JobStopped: it was asked to end.
        """
        return self._library_desk().importing.bring(path, control, move=move)

    def verify_now(self, model: str, control: "JobControl") -> "Verified":
        """Read a model's whole file, compare it with what it should be, and try it again, without a job.

        Args:
            model: its id, or path.
            control: hears how far it is, and can stop it.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: it is not what it should be, or refused; says why.
            JobStopped: it was asked to end.
        """
        return self._library_desk().verifying.verify(model, control)
