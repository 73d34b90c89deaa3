"""Replaces a small file so that whoever reads it, at any moment and after any crash, gets the old or the new one."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

WAIT_S: Final = 10.0  # for another process that is writing; it takes milliseconds, unless it hangs


def replace_file(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read; call it inside `exclusive`.

    Raises:
        OSError: it could not be written; the old one is as it was.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        with suppress(FileNotFoundError):
            os.unlink(new)  # of a Hearth that was killed; a new one has the rights and no link leads away
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _write_all(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise
    _sync_folder(path.parent)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Keep other processes of Hearth out of a file while it is read, changed and replaced.

    The lock is of a file beside it, because the file itself is another one after each change.

    Raises:
        OSError: it cannot be locked.
    """
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)  # which unlocks it


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK, 1)  # waits about as long by itself

    def _sync_folder(folder: Path) -> None:
        """Nothing: Windows has no such call, and needs none."""

else:
    import fcntl

    def _lock(handle: int) -> None:
        until_s = time.monotonic() + WAIT_S
        while not _try_to_lock(handle):
            if time.monotonic() > until_s:
                raise TimeoutError("another Hearth is writing it")
            time.sleep(0.02)

    def _try_to_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _sync_folder(folder: Path) -> None:
        """Make the rename last."""
        with suppress(OSError):  # some file systems refuse it, and the file is in place already
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
