"""The frozen program for Linux on its way into a package: found, copied, and packed the same on every machine."""

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from failure import SetupError

from release.plan import WORK
from release.reproducible import sorted_files

_XZ: Final = ("xz", "-9", "--threads=2", "--stdout")
"""With two threads the file is cut into blocks, whose size depends on `-9` alone: the result is the same everywhere."""


def frozen_tree() -> Path:
    """The frozen program for Linux.

    Raises:
        SetupError: it has not been made yet.
    """
    tree = WORK / "linux" / "hearth"
    if not (tree / "hearth").is_file():
        raise SetupError("There is no frozen program to pack.", "Make it with `python packaging/release/freeze.py`.")
    return tree


def emptied(folder: Path) -> Path:
    """The folder, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def copy_program(source: Path, target: Path) -> None:
    """Copy a frozen program; links stay links, and libraries, which are only loaded, cannot be started."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    for path in sorted_files(target):
        if ".so" in path.suffixes and not path.is_symlink():
            path.chmod(0o644)


def bytes_of(folder: Path) -> int:
    """What the files in a folder take together."""
    return sum(path.lstat().st_size for path in sorted_files(folder))


def write_tar_xz(folder: Path, target: Path) -> None:
    """Pack a normalised folder, with its own name on top.

    Args:
        folder: what `release.reproducible.normalise` has been over.
        target: the archive; there whole or not at all.

    Raises:
        SetupError: there is no `xz`, or it failed.
    """
    if shutil.which(_XZ[0]) is None:
        raise SetupError("The program xz is missing.", "Install it (Debian and Ubuntu: apt-get install xz-utils).")
    partial = target.with_name(f"{target.name}.partial")
    with partial.open("wb") as file, subprocess.Popen(_XZ, stdin=subprocess.PIPE, stdout=file) as packer:
        assert packer.stdin is not None
        with tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for path in sorted_files(folder):
                archive.add(path, str(path.relative_to(folder.parent)), filter=_nobodys)
        packer.stdin.close()
    if packer.returncode != 0:
        partial.unlink()
        raise SetupError("xz could not pack the program.", "Free some space on the disk, and try again.")
    partial.replace(target)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
