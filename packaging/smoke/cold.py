"""A start as after the computer was switched on: files come from the disk, not from memory."""

import os
from pathlib import Path
from typing import Final

_SYSTEM: Final = Path("/proc/sys/vm/drop_caches")


def make_cold(folder: Path) -> str:
    """Let the system forget what it holds in memory of files.

    Args:
        folder: of the program; where only root may empty the whole cache, the files in here are forgotten.

    Returns:
        What was done, for a report.
    """
    os.sync()
    try:
        _SYSTEM.write_text("3", encoding="ascii")
    except OSError:
        return _forget(folder)
    return "the system's cache of files was emptied"


def _forget(folder: Path) -> str:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            handle = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)
    return "the program's files were taken out of the cache; those of the system stayed, as only root may do that"
