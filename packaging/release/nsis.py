"""Makes Hearth's Setup for Windows out of the frozen program, with NSIS, on any system that has it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from failure import SetupError
from progress import run_with_progress

from release import signing
from release.plan import DIST, ROOT, source_epoch
from release.reproducible import normalise, sorted_files
from release.windows_version import numbers_of

_SCRIPT: Final = ROOT / "installer" / "windows" / "hearth.nsi"
_SHIM: Final = ROOT / "installer" / "windows" / "hearth.cmd"
_SHIM_FOLDER: Final = "bin"


def setup_file(version: str) -> Path:
    """Where the Setup of a version is made."""
    return DIST / f"Hearth-{version}-setup.exe"


def make_setup(tree: Path, icon: Path, version: str, folder: Path = DIST, *, is_quick: bool = False) -> Path:
    """Make a Setup.

    Args:
        tree: the frozen program; gets what the installed program has beside it.
        icon: for the Setup and its uninstaller.
        version: of Hearth.
        folder: where to.
        is_quick: compress less, in a tenth of the time; for trials.

    Returns:
        The file.

    Raises:
        SetupError: NSIS is missing or failed.
    """
    if shutil.which("makensis") is None:
        remedy = "Install NSIS (Debian and Ubuntu: apt-get install nsis) and run it again."
        raise SetupError("There is no makensis here.", remedy)
    (tree / _SHIM_FOLDER).mkdir(exist_ok=True)
    script = _SHIM.read_text(encoding="ascii")
    (tree / _SHIM_FOLDER / _SHIM.name).write_text(script, encoding="ascii", newline="\r\n")
    normalise(tree)
    work = tree.parent
    listing = work / "files.nsh"
    listing.write_text("\n".join(file_lines(tree)) + "\n", encoding="utf-8")
    target = folder / setup_file(version).name
    folder.mkdir(parents=True, exist_ok=True)
    partial = work / target.name  # there whole or not at all
    values = {
        "VERSION": version,
        "VERSION_NUMBERS": ".".join(map(str, numbers_of(version))),
        "SIZE_KB": str(sum(path.stat().st_size for path in sorted_files(tree)) // 1024),
        "ICON": str(icon),
        "FILES": str(listing),
        "OUTPUT": str(partial),
    }
    if is_quick:
        values["QUICK"] = "1"
    if os.environ.get(signing.CERTIFICATE):
        values["SIGN"] = f'"{sys.executable}" -m release.signing'
    else:
        signing.sign_windows([])  # says why not
    _run_makensis(values, work / "makensis.log")
    shutil.move(partial, target)
    return target


def file_lines(tree: Path) -> Iterator[str]:
    """Lines of NSIS that unpack the program, in an order that depends on nothing but names.

    Files of one kind follow each other, because they compress better together.

    Args:
        tree: the frozen program.
    """
    files = [path.relative_to(tree) for path in sorted_files(tree)]
    folder = None
    for file in sorted(files, key=lambda path: (path.suffix.lower(), path.parent.as_posix(), path.name)):
        if file.parent != folder:
            folder = file.parent
            place = "" if folder == Path() else "\\" + str(folder).replace("/", "\\")
            yield f'SetOutPath "$INSTDIR{_escaped(place)}"'
        yield f'File "{_escaped(str(tree / file))}"'


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def _run_makensis(values: dict[str, str], log: Path) -> None:
    dash = "/" if sys.platform == "win32" else "-"
    options = [f"{dash}D{name}={value}" for name, value in values.items()]
    command = ["makensis", f"{dash}V2", f"{dash}INPUTCHARSET", "UTF8", *options, str(_SCRIPT)]
    packaging = str(ROOT / "packaging")  # where what signs is found
    variables = {**os.environ, "SOURCE_DATE_EPOCH": str(source_epoch()), "PYTHONPATH": packaging}
    outcome = run_with_progress(command, "compressing into Setup", log, env=variables)
    if outcome.code != 0:
        last = outcome.output.strip().splitlines()[-1:] or ["it said nothing"]
        raise SetupError(f"makensis failed: {last[0]}.", f"All it printed is in {log}.")
