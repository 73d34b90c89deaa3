"""Equal sources give equal archives: file order, times and modes say nothing about the machine that built them."""

import os
from pathlib import Path

from release.plan import source_epoch

_FOLDER = 0o755
_PROGRAM = 0o755
_FILE = 0o644
_PYC_FLAGS = slice(4, 8)  # zero in a compiled file that is bound to a time (PEP 552)


def normalise(tree: Path) -> None:
    """Give everything in a folder, and the folder itself, the time of the source and plain modes.

    What Python compiled and bound to the time of a source is removed; what it bound to a source's text, or to none, is
    the same everywhere and stays. Links stay links, wherever they point.

    Args:
        tree: is changed in place.

    Raises:
        SetupError: the time of the source is not known.
    """
    epoch = source_epoch()
    for cache in sorted(tree.rglob("__pycache__")):
        _empty(cache)
    for path in sorted_files(tree):
        if not path.is_symlink():
            path.chmod(_PROGRAM if path.stat().st_mode & 0o100 else _FILE)
        _set_time(path, epoch)
    for folder in (*_folders(tree), tree):
        folder.chmod(_FOLDER)
        _set_time(folder, epoch)


def sorted_files(tree: Path) -> list[Path]:
    """All files and links below a folder, ordered by their path, the same on every system; links are not followed."""
    found = [
        Path(folder, name)
        for folder, names, files in os.walk(tree)
        for name in (*files, *(name for name in names if Path(folder, name).is_symlink()))
    ]
    return sorted(found, key=lambda path: path.relative_to(tree).as_posix().encode())


def _empty(cache: Path) -> None:
    for compiled in sorted(cache.glob("*.pyc")):
        with compiled.open("rb") as file:
            head = file.read(_PYC_FLAGS.stop)
        if not any(head[_PYC_FLAGS]):
            compiled.unlink()
    if not any(cache.iterdir()):
        cache.rmdir()


def _folders(tree: Path) -> list[Path]:
    found = [Path(folder, name) for folder, names, _files in os.walk(tree) for name in names]
    return [folder for folder in found if not folder.is_symlink()]


def _set_time(path: Path, epoch: int) -> None:
    if os.utime in os.supports_follow_symlinks:
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    elif not path.is_symlink():
        os.utime(path, (epoch, epoch))
