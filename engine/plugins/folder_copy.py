"""Copying a plugin's folder, with the limits that a zip has."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.plugins.archive import create_file, refusal, sync_file, sync_folders
from engine.plugins.entry_names import MOST_BYTES, BrokenRuleError, EntryNames, is_left_out

_PIECE_BYTES: Final = 1 << 20


def copy_folder(source: Path, folder: Path) -> None:
    """Copy a plugin's folder, and make sure that it is on the disk; hidden files and compiled Python stay behind.

    Args:
        source: the plugin's folder; only read.
        folder: exists and is empty; left as it is, half filled, if this fails.

    Raises:
        PluginRefusedError: the folder breaks a rule; says which.
        OSError: the disk is full, say.
    """
    try:
        if folder.resolve().is_relative_to(source.resolve()):
            raise BrokenRuleError("holds the folder that plugins are installed in")
        entries = list(_entries(source, EntryNames(), ()))  # all names are checked before anything is written
        left_bytes = MOST_BYTES
        for entry in entries:
            target = folder.joinpath(*entry.parts)
            if entry.is_folder:
                target.mkdir()
            else:
                left_bytes -= _copy_file(source.joinpath(*entry.parts), target, left_bytes)
    except BrokenRuleError as error:
        raise refusal(source, error) from None
    sync_folders(folder)


@dataclass(frozen=True, slots=True)
class _FolderEntry:
    parts: tuple[str, ...]
    is_folder: bool


def _entries(folder: Path, names: EntryNames, above: tuple[str, ...]) -> Iterator[_FolderEntry]:
    with os.scandir(folder) as found:
        children = sorted(found, key=lambda child: child.name)
    for child in children:
        parts = (*above, child.name)
        if is_left_out(parts):
            continue
        mode = child.stat(follow_symlinks=False).st_mode
        is_junction = getattr(child, "is_junction", bool)()  # a link of Windows; known from Python 3.12 on
        if is_junction or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise BrokenRuleError(
                f"holds a link, a device, or another thing that is neither file nor folder: {'/'.join(parts)!a}"
            )
        names.add("/".join(parts), is_folder=stat.S_ISDIR(mode))
        yield _FolderEntry(parts, stat.S_ISDIR(mode))
        if stat.S_ISDIR(mode):
            yield from _entries(folder / child.name, names, parts)


def _copy_file(source: Path, target: Path, most_bytes: int) -> int:
    """Copy a file; a link or a pipe that has taken its place meanwhile is not followed. Returns its size."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    size = 0
    with os.fdopen(os.open(source, flags), "rb") as reader, create_file(target) as writer:
        while piece := reader.read(_PIECE_BYTES):
            size += len(piece)
            if size > most_bytes:
                raise BrokenRuleError(f"holds more than {MOST_BYTES >> 20} MiB")
            writer.write(piece)
        sync_file(writer)
    return size
