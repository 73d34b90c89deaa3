"""Scratch: the folder for a plugin's temporary files, which must not fill the user's disk."""

import functools
import os
import re
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

MOST_BYTES: Final = 1 << 30
MOST_FILES: Final = 2000
_NAME: Final = re.compile(r"hearth-plugin-(\d{1,10})-")  # and the number of the process of Hearth that made it


class Scratch:
    """A folder of its own for one process of a plugin.

    Thread: one.

    Attributes:
        folder: where it is.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, plugin: str) -> None:
        sweep_once()
        self.folder = Path(tempfile.mkdtemp(prefix=f"hearth-plugin-{os.getpid()}-{plugin}-"))

    def is_full(self, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES, process: int | None = None) -> bool:
        """Whether there is more in it than a plugin needs; looks at no more files than are allowed.

        Args:
            most_bytes: that it may need on the disk.
            most_files: and folders.
            process: of the plugin, whose files without a name count as well; None for none.
        """
        total, count = 0 if process is None else _nameless_bytes(process), 0
        folders = [self.folder]
        while folders:
            with suppress(OSError), os.scandir(folders.pop()) as entries:  # it may be changing under our eyes
                for entry in entries:
                    count += 1
                    total += _bytes_on_disk(entry.stat(follow_symlinks=False))
                    if count > most_files or total > most_bytes:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
        return total > most_bytes

    def remove(self) -> None:
        """Remove it, as far as possible: folders that were nested too deep stay."""
        with suppress(RecursionError):
            shutil.rmtree(self.folder, ignore_errors=True)


@functools.cache
def sweep_once() -> None:
    """Remove what processes of Hearth left behind that ended without cleaning up; once in the life of this one."""
    sweep(Path(tempfile.gettempdir()))


def sweep(folder: Path) -> None:
    """Remove scratch folders of this user whose process is gone; links are left alone."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _NAME.match(entry.name)
            if match is None or psutil.pid_exists(int(match[1])) or not entry.is_dir(follow_symlinks=False):
                continue
            if sys.platform == "win32" or entry.stat(follow_symlinks=False).st_uid == os.getuid():
                shutil.rmtree(entry.path, ignore_errors=True)


def _nameless_bytes(process: int) -> int:
    """What files take on the disk that a process has open, but that have no name any more."""
    total = 0
    with suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:  # other systems have no such folder
        for entry in entries:
            with suppress(OSError):
                found = entry.stat()
                if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                    total += _bytes_on_disk(found)
    return total


def _bytes_on_disk(found: os.stat_result) -> int:
    """What a file really takes, holes left out; its length on Windows, which does not say."""
    if sys.platform == "win32":
        return found.st_size
    else:  # noqa: RET505 - or mypy would look at this line for Windows
        return found.st_blocks * 512
