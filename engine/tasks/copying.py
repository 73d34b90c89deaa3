"""Brings files into Hearth's folder: read once, hashed on the way, whole or not at all."""

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

PIECE_BYTES: Final = 4 << 20
READ_ONLY: Final = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH

_CLONE: Final = 0x40049409  # FICLONE of linux/fs.h

Digest = "hashlib._Hash"


def bring(source: Path, target: Path, tell: Callable[[int], None], digest: "hashlib._Hash | None") -> None:
    """Copy a file to a new place, on the disk for good, readable only; shares its blocks where the disk can.

    Args:
        source: it is only read.
        target: must not exist.
        tell: told how many more bytes are done; what it raises ends the copy.
        digest: takes the bytes; None takes none.

    Raises:
        OSError: it could not be read or written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    with source.open("rb") as old, open(os.open(target, flags, 0o600), "wb", buffering=0) as new:
        is_shared = _clone(old.fileno(), new.fileno())
        while piece := old.read(PIECE_BYTES):
            if digest is not None:
                digest.update(piece)
            view = memoryview(piece)
            while view and not is_shared:
                view = view[new.write(view) :]
            tell(len(piece))
        os.fsync(new.fileno())
    make_read_only(target)


def take(source: Path, target: Path, tell: Callable[[int], None], digest: "hashlib._Hash | None") -> bool:
    """Give a file a second name, from where the first can be taken away; False if that cannot be done here."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.EACCES, errno.ENOSYS}:
            return False
        raise
    with target.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            if digest is not None:
                digest.update(piece)
            tell(len(piece))
    make_read_only(target)
    return True


def make_read_only(path: Path) -> None:
    """Nobody writes into a model by accident: a mapped file that changes makes its model talk nonsense, or worse."""
    with suppress(OSError):
        path.chmod(READ_ONLY)


def sync_folder(folder: Path) -> None:
    """Make names in a folder last."""
    with suppress(OSError):  # Windows has no such call, and some file systems refuse it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _clone(source: int, target: int) -> bool:
    """Let a new file have the blocks of another one, as Btrfs and XFS can; False if this disk cannot."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _CLONE, source)
    except OSError:
        return False
    return True
