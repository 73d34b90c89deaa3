"""Elsewhere: notices that another process of Hearth has installed, removed or decided something, by looking."""

import os
from pathlib import Path

Mark = tuple[int, int, int]
"""Of a file or folder: inode, modification time in ns, size in bytes."""

_NOTHING: Mark = (0, 0, 0)


class Elsewhere:
    """Compares the folder of plugins and the file of decisions with how they were; two calls of the system per look.

    Something counts as changed once it has stayed the same for two looks: an installation is a few renames.

    Thread: one.
    """

    def __init__(self, user_dir: Path, state_path: Path) -> None:
        """Remember how both are now; make it before they are read.

        Args:
            user_dir: folder of the user's plugins; it need not exist.
            state_path: file of what the user has decided; it need not exist.
        """
        self._paths = (user_dir, state_path)
        self._known = self._pending = self._look()

    def has_changed(self) -> bool:
        """Whether something is other than when that was last said, also by this process itself."""
        now = self._look()
        is_settled, self._pending = now == self._pending, now
        if now == self._known or not is_settled:
            return False
        self._known = now
        return True

    def _look(self) -> tuple[Mark, ...]:
        return tuple(_mark(path) for path in self._paths)


def inode(folder: Path) -> tuple[int, int]:
    """What a folder loses when another one takes its place: its device and number; zeros if there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)


def _mark(path: Path) -> Mark:
    try:
        status = os.stat(path)
    except OSError:
        return _NOTHING
    return (status.st_ino, status.st_mtime_ns, status.st_size)
