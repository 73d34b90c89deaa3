"""Installing a plugin: checked beside its place, then renamed into it; nothing of it runs."""

import errno
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.errors import PluginError, PluginRefusedError
from engine.plugins.archive import sync_folder, unpack
from engine.plugins.bundled import bundled_dir, plugin_folders
from engine.plugins.folder_copy import copy_folder
from engine.plugins.manifest_reader import MANIFEST_NAME, folder_name, read_manifest

_NEW: Final = ".new-"  # hidden, so that nobody takes half a plugin for one
_OLD: Final = ".old-"
_ABANDONED_S: Final = 3600  # an installation that is older has been cut off


def install_into(user_dir: Path, source: Path) -> Path:
    """Install a plugin from a folder or a zip; an installed version of it is replaced.

    Until the last rename the installed version stays where it is; if anything fails, it is as before.

    Args:
        user_dir: the folder of installed plugins; made if it is missing.
        source: a folder with `plugin.toml`, or a zip that holds its files, at the top or in one folder.

    Returns:
        The plugin's folder.

    Raises:
        PluginRefusedError: the source breaks a rule, its manifest is wrong, or a bundled plugin has its id; says which.
        PluginError: it cannot be written.
    """
    try:
        user_dir.mkdir(parents=True, exist_ok=True)
        clear_leftovers(user_dir)
        staging = Path(tempfile.mkdtemp(prefix=_NEW, dir=user_dir))
        try:
            return _install(user_dir, source, staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise _unwritable(user_dir, source, error) from error


def clear_leftovers(user_dir: Path) -> None:
    """Undo installations that were cut off: an old version that has no new one goes back to its place.

    Raises:
        OSError: the folder cannot be changed.
    """
    for old in user_dir.glob(f"{_OLD}*"):
        place = user_dir / old.name.removeprefix(_OLD)
        if os.path.lexists(place):
            _remove(old)
        else:
            old.rename(place)
    for new in user_dir.glob(f"{_NEW}*"):
        with suppress(FileNotFoundError):  # another Hearth may be installing
            if time.time() - new.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(new, ignore_errors=True)


def _install(user_dir: Path, source: Path, staging: Path) -> Path:
    content = staging / "content"
    content.mkdir()
    if source.is_dir():
        copy_folder(source, content)
    else:
        unpack(source, content)
    root = _plugin_root(content, source)
    manifest = read_manifest(root, is_placed=False)
    name = folder_name(manifest.id)
    if name in {folder.name for folder in plugin_folders(bundled_dir())}:
        raise PluginRefusedError(
            manifest.id,
            f"{source.name} has the id {manifest.id}, which belongs to a plugin that comes with Hearth.",
            "Its author has to choose another id.",
        )
    _replace(user_dir, root, name)
    return user_dir / name


def _plugin_root(content: Path, source: Path) -> Path:
    """Where `plugin.toml` lies: at the top, or in the only folder there."""
    if (content / MANIFEST_NAME).exists():
        return content
    top = list(content.iterdir())
    if len(top) == 1 and (top[0] / MANIFEST_NAME).exists():
        return top[0]
    raise PluginRefusedError(
        source.name,
        f"{source.name} holds no {MANIFEST_NAME}, neither at the top nor in a single folder there.",
        "Choose the folder or the zip of a plugin.",
    )


def _replace(user_dir: Path, root: Path, name: str) -> None:
    place, old = user_dir / name, user_dir / f"{_OLD}{name}"
    had_one = os.path.lexists(place)
    if had_one:
        place.rename(old)
    try:
        root.rename(place)
    except OSError:
        if had_one:
            old.rename(place)
        raise
    sync_folder(user_dir)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_symlink():  # somebody works on a plugin elsewhere; that folder is not ours
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _unwritable(user_dir: Path, source: Path, error: OSError) -> PluginError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not source.exists():
        return PluginRefusedError(source.name, f"There is no file or folder {source}.", "Check the path.")
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    remedy = "Free some space." if is_full else f"Check that {user_dir} can be written and {source.name} be read."
    return PluginError(source.name, f"{source.name} cannot be installed: {error.strerror or error}.", remedy)
