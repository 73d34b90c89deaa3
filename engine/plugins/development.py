"""TreeWatch: notices that the files of a plugin have changed, by looking."""

import os
from pathlib import Path
from typing import Final

from engine.plugins.digest import CACHE_NAME, MAX_DEPTH, MAX_ENTRIES

_Stamp = tuple[tuple[str, int, int], ...]  # name, modification time in ns, size in bytes, of each file

MAX_WATCHED: Final = MAX_ENTRIES


class TreeWatch:
    """Compares file times and sizes of plugins with those of the last look.

    A tree counts as changed once it has stayed the same for two looks: whoever saves several files is let finish.

    Thread: one.
    """

    def __init__(self) -> None:
        self._known: dict[Path, _Stamp] = {}
        self._pending: dict[Path, _Stamp] = {}

    def changed(self, folders: list[Path]) -> list[Path]:
        """Which of these folders have changed since they were first looked at, or since that was last said.

        Args:
            folders: all that are watched; others are forgotten.
        """
        self._known = {folder: stamp for folder, stamp in self._known.items() if folder in folders}
        found = []
        for folder in folders:
            stamp = _stamp(folder)
            if stamp == self._known.setdefault(folder, stamp):
                self._pending.pop(folder, None)
            elif stamp == self._pending.get(folder):
                self._known[folder] = stamp
                found.append(folder)
            else:
                self._pending[folder] = stamp
        return found


def _stamp(folder: Path) -> _Stamp:
    found: list[tuple[str, int, int]] = []
    _collect(folder, 1, found)
    return tuple(sorted(found))


def _collect(folder: Path, depth: int, found: list[tuple[str, int, int]]) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= MAX_WATCHED or entry.name == CACHE_NAME:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        _collect(Path(entry.path), depth + 1, found)
                else:
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
    except OSError:
        return  # being replaced right now; the next look sees what became of it
