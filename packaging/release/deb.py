"""Makes `dist/hearth_<version>_amd64.deb` out of the frozen program for Linux, without root.

python packaging/release/deb.py

The program is in `/usr/lib/hearth`. Nothing runs when it is installed or removed: desktop entries, kinds of files and
icons are noticed by the triggers of the packages that keep their caches.
"""

import gzip
import hashlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import SetupError, exit_code
from progress import run_with_progress

from release.deb_needs import Needs, needs_of
from release.desktop_files import PARTS, write_desktop_files
from release.file_tree import bytes_of, copy_program, emptied, frozen_tree
from release.plan import DIST, ROOT, WORK, project_version, source_epoch
from release.reproducible import normalise, sorted_files

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_PROGRAM: Final = "usr/lib/hearth"
_DOCUMENTS: Final = "usr/share/doc/hearth"


def make_deb(tree: Path, target: Path, work: Path, version: str, needs: Needs | None = None) -> Path:
    """Make the package.

    Args:
        tree: the frozen program.
        target: folder that the package goes to.
        work: folder for what is made on the way; emptied.
        version: of Hearth.
        needs: which packages it needs; None looks what its libraries link to.

    Returns:
        The package.

    Raises:
        SetupError: a tool is missing, or failed.
    """
    if shutil.which("dpkg-deb") is None:
        raise SetupError(
            "The program dpkg-deb is missing.", "Install it (apt-get install dpkg-dev), or use the tarball."
        )
    epoch = source_epoch()
    root = emptied(work) / "root"
    copy_program(tree, root / _PROGRAM)
    (root / "usr" / "bin").mkdir()
    (root / "usr" / "bin" / "hearth").symlink_to("../lib/hearth/hearth")
    write_desktop_files(root / "usr" / "share", version, epoch)
    _compress(root / "usr" / "share" / "man" / "man1" / "hearth.1")
    _write_documents(root / _DOCUMENTS)
    normalise(root)
    architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
    _write_control(root, version, architecture, needs or needs_of(root, root / _PROGRAM))
    package = target / f"hearth_{version}_{architecture}.deb"
    _pack(root, package, epoch)
    shutil.rmtree(work)
    return package


def debian_version(version: str) -> str:
    """A version as Debian orders it: `0.2.0rc1` comes before `0.2.0` there only as `0.2.0~rc1`."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)$", r"~\1\2", version)


def _write_documents(folder: Path) -> None:
    folder.mkdir(parents=True)
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2]
    indented = "\n".join(f" {line or '.'}" for line in licence.strip().splitlines())
    text = (PARTS / "copyright").read_text(encoding="utf-8").replace("@LICENCE@", indented)
    (folder / "copyright").write_text(text, encoding="utf-8")
    (folder / "NOTICES.txt").symlink_to("../../../lib/hearth/_internal/resources/NOTICES.txt")
    shutil.copyfile(ROOT / "CHANGELOG.md", folder / "CHANGELOG.md")
    _compress(folder / "CHANGELOG.md")


def _compress(path: Path) -> None:
    """Make `name.gz` of a file, without its name and time in it."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def _write_control(root: Path, version: str, architecture: str, needs: Needs) -> None:
    filled = {
        "VERSION": debian_version(version),
        "ARCHITECTURE": architecture,
        "KIBIBYTES": str(-(-bytes_of(root) // 1024)),
        "DEPENDS": ", ".join(needs.depends),
        "RECOMMENDS": ", ".join(needs.recommends),
    }
    text = (PARTS / "control.in").read_text(encoding="utf-8")
    text = re.sub(r"@([A-Z]+)@", lambda match: filled[match[1]], text)
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(root).as_posix()}"
        for path in sorted_files(root)
        if not path.is_symlink()
    ]
    folder = root / "DEBIAN"
    folder.mkdir()
    for name, lines in (("control", text.splitlines()), ("md5sums", sums)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    normalise(folder)


def _pack(root: Path, package: Path, epoch: int) -> None:
    package.parent.mkdir(parents=True, exist_ok=True)
    partial = package.with_name(f"{package.name}.partial")
    # Blocks of the archive are cut by the level alone, so the number of threads does not change it.
    command = ["dpkg-deb", "--root-owner-group", "-Zxz", "-z9", f"--threads-max={os.cpu_count() or 1}"]
    variables = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    log = root.with_name("dpkg-deb.log")
    outcome = run_with_progress([*command, "--build", str(root), str(partial)], "packing the .deb", log, env=variables)
    if outcome.code != 0:
        partial.unlink(missing_ok=True)
        raise SetupError(f"dpkg-deb failed: {outcome.output.strip()}", "Free some space, or mend what it names.")
    partial.replace(package)


def main() -> int:
    """Make the package of the frozen program that is there; returns the exit code."""
    return exit_code(lambda: make_deb(frozen_tree(), DIST, WORK / "linux" / "deb", project_version()))


if __name__ == "__main__":
    sys.exit(main())
