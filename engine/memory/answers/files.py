"""The folder of the answers on disk: made for its owner only, set aside when it is damaged, dropped as a whole.

It leaves its name by one rename, so that no process ever finds half of it.
"""

import logging
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

DATABASE: Final = "cache.db"
KEPT_ASIDE: Final = 3
"""Damaged stores that are kept for whoever wants to know what happened; older ones are removed."""

Identity = tuple[int, int]
"""Device and inode of a database."""


def prepare(folder: Path) -> None:
    """Make the folder and an empty database in it, if they are not there; both for the owner only.

    Raises:
        OSError: they cannot be made, or something else has their names.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    database = folder / DATABASE
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(database, flags, 0o600)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError(21, "it is no file", str(database))
        if stat.S_IMODE(status.st_mode) & 0o077 and hasattr(os, "fchmod"):
            os.fchmod(handle, 0o600)
    finally:
        os.close(handle)


def identity(folder: Path) -> Identity | None:
    """Which database is there now; None if there is none."""
    try:
        status = os.stat(folder / DATABASE, follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def size_bytes(folder: Path) -> int:
    """What the files in the folder take."""
    total = 0
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def free_bytes(folder: Path) -> int:
    """What the disk of a folder has free, whether or not the folder is there yet.

    Raises:
        OSError: that is unknown.
    """
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    return shutil.disk_usage(there).free


def set_aside(folder: Path) -> Path:
    """Let a damaged store leave its name; the newest three are kept.

    Raises:
        OSError: it cannot be renamed.
    """
    moment_s, moment_us = divmod(time.time_ns() // 1000, 1_000_000)
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(moment_s))
    target = _rename(folder, f"corrupt-{moment}-{moment_us:06}")
    for old in sorted(_siblings(folder, "corrupt-"))[:-KEPT_ASIDE]:
        _remove(old)
    return target


def drop(folder: Path) -> None:
    """Remove the folder with all that is in it; does nothing if it is not there.

    Raises:
        OSError: it cannot be renamed.
    """
    if os.path.lexists(folder):
        _remove(_rename(folder, f"dropped-{os.getpid()}"))


def remove_dropped(folder: Path) -> None:
    """Remove what a process that was killed has left of `drop`."""
    for old in _siblings(folder, "dropped-"):
        _remove(old)


def _rename(folder: Path, ending: str) -> Path:
    target = folder.with_name(f"{folder.name}.{ending}")
    number = 1
    while os.path.lexists(target):
        number += 1
        target = folder.with_name(f"{folder.name}.{ending}-{number:03}")
    os.rename(folder, target)
    return target


def _siblings(folder: Path, beginning: str) -> Iterator[Path]:
    with suppress(OSError):
        yield from folder.parent.glob(f"{folder.name}.{beginning}*")


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.info("%s could not be removed: %s", path.name, error)
