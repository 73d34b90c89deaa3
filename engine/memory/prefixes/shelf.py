"""Shelf: the folder of all kept states, its size, and what leaves when there is no room. Other processes may use it."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.memory.prefixes.file import SUFFIX, UNFINISHED

_DISK_SHARE: Final = 4  # all states together take at most a quarter of what the disk has free without them
_TICK_NS: Final = 50_000_000
_ABANDONED_S: Final = 600.0  # an unfinished file this old is of a Hearth that was killed


class Shelf:
    """Files within a number of bytes; those used longest ago make room.

    Every method may touch the disk. Not thread-safe.

    Attributes:
        limit_bytes: most that all files may take.
        files: size and time of the last use in ns, by name, as of the latest `look`.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        """Use a folder, which need not be there yet; nothing else may be in it."""
        self.limit_bytes = limit_bytes
        self.files: dict[str, tuple[int, int]] = {}
        self._folder = folder
        self._seen_ns = -1

    @property
    def size_bytes(self) -> int:
        """What the files take."""
        return sum(size for size, _ in list(self.files.values()))

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self._folder / name

    def look(self) -> bool:
        """Take note of what other processes did; False if they did nothing."""
        changed_ns = self._changed_ns()
        if changed_ns == self._seen_ns:
            return False
        found: dict[str, tuple[int, int]] = {}
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    stat = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(SUFFIX):
                        found[entry.name] = stat.st_size, stat.st_mtime_ns
                    elif entry.name.endswith(UNFINISHED) and time.time() - stat.st_mtime > _ABANDONED_S:
                        os.unlink(entry.path)
        # Within one tick of the file system's clock more may come that its time does not tell.
        self.files, self._seen_ns = found, changed_ns if time.time_ns() - changed_ns > _TICK_NS else -1
        return True

    def prepare(self, size_bytes: int) -> bool:
        """Make the folder, and room for one more file; False if it can never have that.

        Raises:
            OSError: the folder cannot be made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.look()
        most = min(self.limit_bytes, (shutil.disk_usage(self._folder).free + self.size_bytes) // _DISK_SHARE)
        if size_bytes > most:
            return False
        self.trim(most - size_bytes)
        return True

    def trim(self, most_bytes: int) -> None:
        """Delete what was used longest ago until the rest is small enough."""
        if (left := self.size_bytes) <= most_bytes:
            return
        for name, (size, _) in sorted(self.files.items(), key=lambda item: item[1][1]):
            if left <= most_bytes:
                break
            self.remove(name)
            left -= size

    def add(self, name: str) -> None:
        """Note a file that was written."""
        with suppress(OSError):
            stat = os.stat(self.path(name))
            self.files[name] = stat.st_size, stat.st_mtime_ns
        self._seen_ns = -1

    def touch(self, name: str) -> None:
        """Note that a file was used; other processes see it too."""
        with suppress(OSError):
            os.utime(self.path(name))
            if (known := self.files.get(name)) is not None:
                self.files[name] = known[0], time.time_ns()

    def remove(self, name: str) -> None:
        """Delete a file."""
        with suppress(OSError):
            self.path(name).unlink()
        self.files.pop(name, None)
        self._seen_ns = -1

    def _changed_ns(self) -> int:
        try:
            return os.stat(self._folder).st_mtime_ns
        except OSError:
            return 0  # it is not there
