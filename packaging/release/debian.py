"""Which Debian package a system's library came from, and under which terms: Debian says both of everything it has."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from release.component import TEXTS, Component

_DOCUMENTS: Final = Path("/usr/share/doc")
_COMMON: Final = re.compile(r"/usr/share/common-licenses/((?:L?GPL|Apache|MPL|GFDL|Artistic|BSD|CC0)[-.\w]*\w)")
_LIBRARY_FOLDER: Final = re.compile(r"(/usr)?/lib(64)?(/[^/]+-linux-gnu)?/[^/]+")
"""Where the loader looks; programs that bring libraries of their own keep them elsewhere."""
_FIRST_LICENCE: Final = re.compile(r"^Files: \*$(?:\n(?!\s*$).*)*?\nLicense: *(\S[^\n]*)", re.MULTILINE)


def debian_components(files: Sequence[Path]) -> dict[Path, Component]:
    """The packages of libraries that were copied from this system into a frozen tree.

    Args:
        files: libraries that keep the names they have in the system.

    Returns:
        A component for each file that a package of this system has under the same name; empty elsewhere than on
        Debian and its kin.
    """
    query = shutil.which("dpkg-query")
    if query is None or not files:
        return {}
    owners = _owners(query, sorted({path.name for path in files}))
    described = {package: _describe(query, package) for package in sorted(set(owners.values()))}
    return {path: described[owners[path.name]] for path in files if path.name in owners}


def _owners(query: str, names: Sequence[str]) -> dict[str, str]:
    command = [query, "--search", *(f"*/{name}" for name in names)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # it fails if one is unknown
    owners: dict[str, str] = {}
    for line in said.splitlines():
        packages, _colon, path = line.partition(": ")
        if _LIBRARY_FOLDER.fullmatch(path):
            owners.setdefault(path.rpartition("/")[2], packages.split(",")[0].split(":")[0])
    return owners


def _describe(query: str, package: str) -> Component:
    form = "${Version}\\n${Architecture}"
    command = [query, "--show", f"--showformat={form}\\n", package]
    version, architecture = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[:2]
    file = _DOCUMENTS / package / "copyright"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return Component(
        name=package,
        version=version,
        licence=licence_name(package, text),
        texts=(("", text), *_referred(text)),
        purl=f"pkg:deb/debian/{package}@{version}?arch={architecture}",
    )


def licence_name(package: str, text: str) -> str:
    """The licence of a package: from the table of those that are known, else what its file says of all its files."""
    with (TEXTS / "debian.toml").open("rb") as file:
        known = tomllib.load(file)
    if package in known:
        return str(known[package])
    found = _FIRST_LICENCE.search(text)
    return found[1] if found else ""


def _referred(text: str) -> tuple[tuple[str, str], ...]:
    """The whole texts that a package's file only refers to."""
    names = sorted(set(_COMMON.findall(text)))
    files = {name: Path("/usr/share/common-licenses") / name for name in names}
    return tuple(
        (name, file.read_text(encoding="utf-8", errors="replace")) for name, file in files.items() if file.is_file()
    )
