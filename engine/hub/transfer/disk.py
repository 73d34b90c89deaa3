"""The disk that downloads go to: whether there is room, and what its errors mean to people."""

import errno
import shutil
import threading
from pathlib import Path
from typing import Final

from engine.errors import HubError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_SPARE: Final = 0.01  # file systems need some of their own


def gigabytes(size_bytes: float) -> str:
    """A size as people write it."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


class Room:
    """Keeps downloads that run together from promising the same free space twice.

    Thread: any.
    """

    def __init__(self, reserve_bytes: int) -> None:
        """Make it; so many bytes stay free."""
        self._reserve = reserve_bytes
        self._lock = threading.Lock()
        self._claims: dict[int, int] = {}  # bytes to come, by claim; guarded by _lock

    def claim(self, claim: int, folder: Path, needed: int, name: str) -> None:
        """Check that so many bytes have room.

        Args:
            claim: id of whoever asks.
            folder: that exists.
            needed: bytes to come.
            name: of what comes.

        Raises:
            HubError: they have none.
        """
        with self._lock:
            others = sum(count for other, count in self._claims.items() if other != claim)
            free = shutil.disk_usage(folder).free
            lacking = int(needed * (1 + _SPARE)) + self._reserve + others - free
            if needed and lacking > 0:
                cause = f"{name} needs {gigabytes(needed)} more on disk, but {folder} has {gigabytes(free)} free"
                kept = [f"{gigabytes(others)} for other downloads"] * bool(others)
                kept += [f"{gigabytes(self._reserve)} in reserve"] * bool(self._reserve)
                cause += f", with {' and '.join(kept)}." if kept else "."
                raise HubError(cause, f"Free {gigabytes(lacking)}, or choose a smaller file; then resume.")
            self._claims[claim] = needed

    def left(self, claim: int, count: int) -> None:
        """So many bytes are still to come."""
        with self._lock:
            self._claims[claim] = max(0, count)

    def release(self, claim: int) -> None:
        """Nothing more comes."""
        with self._lock:
            self._claims.pop(claim, None)


def disk_error(error: OSError, folder: Path) -> HubError:
    """What an error of the file system means."""
    if error.errno in _FULL:
        cause = f"The disk is full: {folder} has no room for the next bytes. What was fetched is kept."
        return HubError(cause, "Free space, then resume.")
    if error.errno == errno.EFBIG:
        cause = f"The file system or a limit of the user does not allow a file this large in {folder}."
        return HubError(cause, "Choose a smaller file, or move the model folder to another disk.")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        cause = f"Hearth may not write to {error.filename or folder}."
        return HubError(cause, "Check its permissions, and whether another program uses it.")
    cause = f"The disk failed at {error.filename or folder}: {error.strerror or error}."
    return HubError(cause, "Check the disk, then resume.")
