"""Removes a plugin's folder, and nothing beside it."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from engine.errors import PluginError

TRASH_NAME: Final = ".plugins-trash"


def remove_folder(user_dir: Path, folder: Path) -> None:
    """Delete the folder of a plugin: it first leaves the folder of plugins in one step, so that no half of it stays.

    Where a link stands instead of a folder, only the link goes: somebody works on that plugin elsewhere.

    Raises:
        PluginError: it could not be moved away; nothing has been deleted.
    """
    if folder.parent != user_dir or folder.name in {"", ".", ".."}:
        raise PluginError(folder.name, f"{folder} is no folder of a plugin of yours.", "Remove it by hand.")
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        trash = user_dir.parent / TRASH_NAME
        trash.mkdir(exist_ok=True)
        if trash.is_symlink():
            raise OSError(f"{trash} is a link")
        place = Path(tempfile.mkdtemp(dir=trash))
        os.rename(folder, place / folder.name)
    except OSError as error:
        cause = f"The folder {folder} cannot be removed: {error.strerror or error}."
        raise PluginError(folder.name, cause, "Close what has its files open, and try again.") from error
    empty_trash(user_dir)


def empty_trash(user_dir: Path) -> None:
    """Delete what was removed; what cannot be deleted now is tried again at the next start. Links are not followed."""
    trash = user_dir.parent / TRASH_NAME
    if trash.is_dir() and not trash.is_symlink():
        shutil.rmtree(trash, ignore_errors=True)
