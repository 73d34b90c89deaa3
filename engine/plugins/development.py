"""TreeWatch: notices that the files of a plugin have changed, by looking."""

import os
from collections.abc import Mapping
from pathlib import Path

from engine.plugins.digest import CACHE_NAME, MAX_DEPTH, MAX_ENTRIES

Stamp = tuple[tuple[str, int, int], ...]
"""Path, modification time in ns and size in bytes of each file."""


class TreeWatch:
    """Compares file times and sizes of plugins with those that they were started from.

    A tree counts as changed once it has stayed the same for two looks: whoever saves several files is let finish.

    Thread: one.
    """

    def __init__(self) -> None:
        self._pending: dict[Path, Stamp] = {}

    def changed(self, started_from: Mapping[Path, Stamp]) -> list[Path]:
        """Which of these folders have changed.

        Args:
            started_from: folders that are watched, with what they were.
        """
        pending, self._pending = self._pending, {}
        found = []
        for folder, before in started_from.items():
            now = tree_stamp(folder)
            if now == before:
                continue
            if now == pending.get(folder):
                found.append(folder)
            self._pending[folder] = now
        return found


def tree_stamp(folder: Path) -> Stamp:
    """How the files of a plugin are; Python's caches left out."""
    found: list[tuple[str, int, int]] = []
    _collect(folder, 1, found)
    return tuple(sorted(found))


def _collect(folder: Path, depth: int, found: list[tuple[str, int, int]]) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= MAX_ENTRIES or entry.name == CACHE_NAME:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if depth < MAX_DEPTH:
                        _collect(Path(entry.path), depth + 1, found)
                else:
                    status = entry.stat(follow_symlinks=False)
                    found.append((entry.path, status.st_mtime_ns, status.st_size))
    except OSError:
        return  # being replaced right now; the next look sees what became of it
