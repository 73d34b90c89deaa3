"""Which Debian packages the program needs, read from what its libraries link to.

`dpkg-shlibdeps` knows the oldest version of each package that has what is used. It also finds a library of the program
whose own needs are neither in the program nor in the system: such a program is not fit to be packed.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from failure import SetupError

from release.linked import needed_names
from release.reproducible import sorted_files

_ELF: Final = b"\x7fELF"
_OPTIONAL: Final = re.compile(r"/llama_cpp/lib/backends/")
"""Modules for graphics cards, which Hearth leaves out where their libraries are missing."""
_FONTS: Final = "fonts-dejavu-core | fonts-noto-core | fonts-liberation"
_RECOMMENDED: Final = ("fonts-inter", "libvulkan1", "mesa-vulkan-drivers", "xdg-utils")
_MISSING: Final = re.compile(r"cannot find library (\S+) needed by (\S+)")


@dataclass(frozen=True, slots=True)
class Needs:
    """Packages, each as Debian writes it: a name, with the oldest version in parentheses, or names to choose from.

    Attributes:
        depends: without which the program does not work.
        recommends: that most people want with it: graphics cards, the font it is drawn for, links that open.
    """

    depends: tuple[str, ...]
    recommends: tuple[str, ...] = ()


def needs_of(root: Path, program: Path) -> Needs:
    """Find what a program needs.

    Args:
        root: what is to be packed, as it will lie below `/`.
        program: its folder in there.

    Raises:
        SetupError: the tool is missing, or a library of the program cannot be loaded here or anywhere.
    """
    if shutil.which("dpkg-shlibdeps") is None:
        raise SetupError("The program dpkg-shlibdeps is missing.", "Install it (apt-get install dpkg-dev).")
    files = [path for path in _binaries(program) if not _OPTIONAL.search(path.as_posix())]
    folders = sorted({path.parent for path in sorted_files(program) if ".so" in path.name})
    described = root.parent / "debian" / "control"  # which the tool wants, as in a source package
    described.parent.mkdir(exist_ok=True)
    described.write_text("Source: hearth\n\nPackage: hearth\nArchitecture: any\n", encoding="utf-8")
    (root / "DEBIAN").mkdir(exist_ok=True)
    command = ["dpkg-shlibdeps", "-O", "--warnings=0", f"-S{root}", *(f"-l{folder}" for folder in folders)]
    command += [f"-e{path}" for path in files]
    ended = subprocess.run(command, cwd=root.parent, capture_output=True, text=True, check=False)
    (root / "DEBIAN").rmdir()
    if ended.returncode != 0:
        raise _failure(ended.stderr)
    found = ended.stdout.partition("shlibs:Depends=")[2].strip()
    # The tool takes a copy of a system's library in the program for that library.
    foreign = _foreign(program, files)
    needed = [part for part in found.split(", ") if part and foreign & _libraries_in(part)]
    return Needs((*needed, _FONTS), _RECOMMENDED)


def _foreign(program: Path, files: Sequence[Path]) -> set[str]:
    """Names of libraries that are linked to, and are not in the program."""
    own = {path.name for path in sorted_files(program)}
    return {name for names in needed_names(map(str, files)).values() for name in names} - own


def _libraries_in(need: str) -> set[str]:
    """Names of the files of a package that a need begins with."""
    package = re.split(r"[ :(|]", need, maxsplit=1)[0]
    listed = subprocess.run(["dpkg-query", "--listfiles", package], capture_output=True, text=True, check=True).stdout
    return {PurePosixPath(line).name for line in listed.splitlines()}


def _binaries(folder: Path) -> Iterator[Path]:
    for path in sorted_files(folder):
        if not path.is_symlink() and path.stat().st_size > len(_ELF):
            with path.open("rb") as file:
                if file.read(len(_ELF)) == _ELF:
                    yield path


def _failure(said: str) -> SetupError:
    lacking: dict[str, str] = {}
    for library, user in _MISSING.findall(said):
        lacking.setdefault(library, Path(user).name)
    if not lacking:
        last = (said.strip().splitlines() or ["it said nothing"])[-1]
        return SetupError(f"dpkg-shlibdeps failed: {last}", "Mend what it names, and try again.")
    names = ", ".join(f"{library} (for {user})" for library, user in sorted(lacking.items()))
    return SetupError(f"Libraries are missing: {names}.", "Leave out what needs them, or install them here.")
