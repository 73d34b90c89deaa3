"""Digest of a plugin's files, which consent is bound to."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.errors import PluginRefusedError

MAX_ENTRIES: Final = 2_000  # the same bounds as those of an installation
MAX_BYTES: Final = 50 << 20
MAX_DEPTH: Final = 20
CACHE_NAME: Final = "__pycache__"

_CHUNK: Final = 1 << 20
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def tree_digest(folder: Path) -> str:
    """SHA-256 over names, lengths and bytes of all files of a plugin, as hexadecimal digits.

    Python's caches are left out: they are made anew from the files, and plugins run without reading old ones.

    Raises:
        PluginRefusedError: something in it is neither a file nor a folder, or it is too large, or cannot be read.
    """
    digest = hashlib.sha256()
    left = MAX_BYTES
    try:
        for name, path in sorted(_files(folder)):
            digest.update(len(name).to_bytes(4, "big") + name)
            left = _add_file(digest, path, left)
    except OSError as error:
        cause = f"The plugin in the folder {folder.name} cannot be read: {error.strerror or error}."
        raise PluginRefusedError(folder.name, cause, "Check who may read it, or install it again.") from error
    except ValueError as error:
        cause = f"The plugin in the folder {folder.name} cannot be used: {error}."
        raise PluginRefusedError(folder.name, cause, "Its author has to correct it.") from None
    return digest.hexdigest()


def _files(folder: Path) -> list[tuple[bytes, Path]]:
    """Relative names with forward slashes, and paths, of all files."""
    found: list[tuple[bytes, Path]] = []
    for count, (path, is_folder) in enumerate(_entries(folder, 1), 1):
        if count > MAX_ENTRIES:
            raise ValueError(f"it has more than {MAX_ENTRIES:,} files and folders")
        if not is_folder:
            # As the disk has it: names need not be text everywhere.
            found.append((os.fsencode(path.relative_to(folder).as_posix()), path))
    return found


def _entries(folder: Path, depth: int) -> Iterator[tuple[Path, bool]]:
    if depth > MAX_DEPTH:
        raise ValueError(f"its folders are nested more than {MAX_DEPTH} deep")
    with os.scandir(folder) as entries:
        for entry in entries:
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode) and not _is_junction(entry):
                if entry.name != CACHE_NAME:
                    yield Path(entry.path), True
                    yield from _entries(Path(entry.path), depth + 1)
            elif stat.S_ISREG(mode):
                yield Path(entry.path), False
            else:
                raise ValueError(f"{entry.name!r} in it is neither a file nor a folder")


def _is_junction(entry: "os.DirEntry[str]") -> bool:
    """Whether it is Windows' other kind of link to a folder."""
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0))


def _add_file(digest: "hashlib._Hash", path: Path, left: int) -> int:
    with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINKS), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest.update(size.to_bytes(8, "big"))
        read = 0
        while chunk := file.read(min(_CHUNK, left - read + 1)):
            read += len(chunk)
            if read > left:
                raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
            digest.update(chunk)
    if read != size:
        raise ValueError(f"{path.name!r} changed while it was read")
    return left - read
