"""Makes `dist/hearth-<version>-linux-x86_64.tar.xz`, which runs from any folder and installs itself for one person.

python packaging/release/tarball.py
"""

import platform
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import exit_code
from system_libraries import EVERYTHING, FONTS, Library

from release.desktop_files import PARTS, write_desktop_files
from release.file_tree import copy_program, emptied, frozen_tree, write_tar_xz
from release.plan import DIST, WORK, project_version, source_epoch
from release.reproducible import normalise, sorted_files

_SCRIPTS: Final = ("install.sh", "uninstall.sh")
_WIDTH: Final = 110
_GLIBC: Final = re.compile(rb"\0GLIBC_(\d+)\.(\d+)")


def make_tarball(tree: Path, target: Path, work: Path, version: str) -> Path:
    """Make the archive.

    Args:
        tree: the frozen program.
        target: folder that the archive goes to.
        work: folder for what is made on the way; emptied.
        version: of Hearth.

    Returns:
        The archive.

    Raises:
        SetupError: a tool is missing, or failed.
    """
    folder = emptied(work) / f"hearth-{version}"
    copy_program(tree, folder)
    write_desktop_files(folder / "share", version, source_epoch())
    for name in _SCRIPTS:
        shutil.copyfile(PARTS / name, folder / name)
        (folder / name).chmod(0o755)
    text = (PARTS / "README.txt.in").read_text(encoding="utf-8")
    (folder / "README.txt").write_text(_filled(text, tree, version), encoding="utf-8")
    normalise(folder)
    archive = target / f"hearth-{version}-linux-{platform.machine()}.tar.xz"
    target.mkdir(parents=True, exist_ok=True)
    write_tar_xz(folder, archive)
    shutil.rmtree(work)
    return archive


def libraries_of_the_system(tree: Path) -> list[Library]:
    """What Qt needs besides what is in the program."""
    own = {path.name for path in sorted_files(tree)}
    return [library for library in EVERYTHING if library.soname not in own]


def oldest_glibc(tree: Path) -> str:
    """The version of the C library that the program needs: the newest that any of its files names."""
    found = {(0, 0)}
    for path in sorted_files(tree):
        if not path.is_symlink() and (".so" in path.suffixes or not path.suffix):
            found |= {(int(major), int(minor)) for major, minor in _GLIBC.findall(path.read_bytes())}
    return ".".join(map(str, max(found)))


def _filled(text: str, tree: Path, version: str) -> str:
    needed = [*libraries_of_the_system(tree), FONTS]

    def names(of: Callable[[Library], str]) -> str:
        return _wrapped(sorted({name for library in needed for name in of(library).split()}))

    filled = {
        "VERSION": version,
        "GLIBC": oldest_glibc(tree),
        "APT": names(lambda library: library.apt),
        "DNF": names(lambda library: library.dnf),
        "PACMAN": names(lambda library: library.pacman),
    }
    return re.sub(r"@([A-Z]+)@", lambda match: filled[match[1]], text)


def _wrapped(names: list[str]) -> str:
    """Words of a command on several lines, each but the last ending as a shell continues lines."""
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f"{name} "
    return " \\\n      ".join(line.strip() for line in lines)


def main() -> int:
    """Pack the frozen program that is there; returns the exit code."""
    return exit_code(lambda: make_tarball(frozen_tree(), DIST, WORK / "linux" / "tarball", project_version()))


if __name__ == "__main__":
    sys.exit(main())
