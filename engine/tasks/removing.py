"""Removes models: into the trash, or for good."""

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.cards import Origin
from engine.errors import ModelError
from engine.models.library import Entry, ModelLibrary

_OWNERS: Final = {
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.HUGGING_FACE: "the cache of Hugging Face",
}


def remove_model(
    entry: Entry, library: ModelLibrary, models: Path, is_in_use: Callable[[Path], bool], *, permanently: bool
) -> tuple[Path, ...]:
    """Put a model's files into the trash, or delete them; what other models use as well stays.

    Args:
        entry: which model.
        library: knows the others.
        models: Hearth's own folder; folders in it that become empty go as well.
        is_in_use: says whether a model is loaded, being loaded, or wanted.
        permanently: delete them.

    Returns:
        What was removed.

    Raises:
        ModelError: it may not be removed, or cannot be; says why.
    """
    check_removable(entry, is_in_use)
    shared = {
        file for other in library.entries() if other.info.path != entry.info.path for file in other.known.row.files
    }
    files = [Path(file) for file in entry.known.row.files if file not in shared]
    gone = [file for file in files if _remove(file, permanently=permanently)]
    if permanently:
        library.notes.forget(entry.info.path)
    _remove_empty(gone, models)
    return tuple(gone)


def check_removable(entry: Entry, is_in_use: Callable[[Path], bool]) -> None:
    """Refuse to remove what is not ours to remove, or in use.

    Raises:
        ModelError: says why, and what to do.
    """
    info, origin = entry.info, entry.found.origin
    if origin is Origin.INCLUDED:
        raise ModelError(f"{info.id} came with Hearth and stays.", "Mark others as favourites to see those first.")
    if origin in _OWNERS:
        owner = _OWNERS[origin]
        raise ModelError(f"{info.id} belongs to {owner}, whose files Hearth never changes.", "Remove it there.")
    if is_in_use(info.path):
        raise ModelError(f"{info.id} is in memory, and cannot be removed now.", "Unload it first.")


def _remove(file: Path, *, permanently: bool) -> bool:
    """Remove a file; False if it has gone already.

    Raises:
        ModelError: it cannot be removed.
    """
    if not os.path.lexists(file):
        return False
    try:
        if permanently:
            if os.name == "nt":  # where a file that is read-only cannot be deleted
                file.chmod(stat.S_IWRITE)
            file.unlink()
        else:
            from send2trash import send2trash

            send2trash(file)
    except OSError as error:
        reason = error.strerror or str(error)
        if permanently:
            raise ModelError(f"{file} cannot be deleted: {reason}.", "Check its permissions.") from error
        raise ModelError(
            f"{file} cannot be put into the trash: {reason}.", "Delete it permanently, or remove it by hand."
        ) from error
    return True


def _remove_empty(gone: Iterable[Path], models: Path) -> None:
    """Remove folders in Hearth's own that have nothing left in them."""
    for file in gone:
        folder = file.parent
        while folder != models and folder.is_relative_to(models):
            with suppress(OSError):
                folder.rmdir()
            if folder.exists():
                break
            folder = folder.parent
