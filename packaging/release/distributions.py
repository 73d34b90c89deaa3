"""Python packages in a frozen program: which of those in a site-packages folder, and under which terms.

The folder need not be that of the running interpreter: for Windows it is made of wheels that were unpacked on Linux.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.component import Component, licence_texts
from release.contents import EXCLUDED

_OWN: Final = "hearth"
_SYSTEMS: Final[Mapping[str, Mapping[str, str]]] = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    "macos": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    "windows": {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
    },
}
_TEXT_FILE: Final = re.compile(r"(licen[cs]e|copying|notice|thirdparty|third-party|authors)", re.IGNORECASE)
_NOT_TEXT: Final = re.compile(r"\.(py|pyc|pyi|so|dll|json|h)$", re.IGNORECASE)
_QT: Final = ("qt.txt", "LGPL-3.0.txt", "GPL-3.0.txt", "qt-third-party.txt")
_TEXTS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "flatbuffers": ("Apache-2.0.txt",),
    "nvidia-ml-py": ("nvidia-ml-py.txt",),
    "pyside6-essentials": _QT,
    "shiboken6": _QT,
    "tokenizers": ("Apache-2.0.txt",),
}
"""Packages without a text of their licence, and the texts that hold for them."""
_LONGEST_NAME: Final = 100  # a longer "License" is a whole text


class Distributions:
    """The Python packages in a folder.

    Attributes:
        owners: which package each file belongs to; paths relative to the folder, with forward slashes.
    """

    def __init__(self, site_packages: Path, system: str, python: str) -> None:
        """Read what is there.

        Args:
            site_packages: folder with packages and their metadata.
            system: `linux`, `macos` or `windows`.
            python: version of Python that they are for, such as `3.11`.
        """
        self._found: dict[str, Distribution] = {
            canonicalize_name(found.metadata["Name"]): found for found in distributions(path=[str(site_packages)])
        }
        self._environment = {**_SYSTEMS[system], "python_version": python, "python_full_version": f"{python}.0"}
        self.owners = {
            path.as_posix(): name for name, found in sorted(self._found.items()) for path in found.files or ()
        }
        self._by_name = {path.rpartition("/")[2]: name for path, name in self.owners.items()}

    def owner_of(self, path: str) -> str | None:
        """The package that a file came from.

        Args:
            path: relative to the program's contents; a library may have been moved out of its folder.
        """
        name = path.rpartition("/")[2]
        return self.owners.get(path) or (self._by_name.get(name) if "/" not in path else None)

    def version_of(self, name: str) -> str | None:
        """The version of a package; None if it is not here."""
        found = self._found.get(canonicalize_name(name))
        return found.version if found is not None else None

    def shipped(self, requirements: Iterable[str], tree_paths: Iterable[str]) -> list[str]:
        """Names of the packages that ship, sorted.

        Args:
            requirements: those of Hearth.
            tree_paths: files in the program's contents.
        """
        seen = {owner for path in tree_paths if (owner := self.owner_of(path))}
        reached = {name for name in self._reached(requirements) if not self._is_excluded(name)}
        return sorted((seen | reached) - {_OWN})

    def component(self, name: str, files: Sequence[Path] = ()) -> Component:
        """Describe a package.

        Args:
            name: as `shipped` gives it.
            files: of it in the frozen tree.
        """
        found = self._found[name]
        needs = (self._needs(found, frozenset()) & self._found.keys()) - {_OWN}
        return Component(
            name=found.metadata["Name"],
            version=found.version,
            licence=_licence_of(found),
            texts=_texts_of(found) or licence_texts(_TEXTS_OF.get(name, ())),
            purl=f"pkg:pypi/{name}@{found.version}",
            files=tuple(files),
            needs=tuple(sorted(self._found[need].metadata["Name"] for need in needs)),
        )

    def _reached(self, requirements: Iterable[str]) -> set[str]:
        waiting = [Requirement(line) for line in requirements]
        reached: dict[str, set[str]] = {}
        while waiting:
            requirement = waiting.pop()
            name = canonicalize_name(requirement.name)
            known = reached.get(name)
            if name not in self._found or not self._applies(requirement, frozenset()):
                continue
            if known is not None and requirement.extras <= known:
                continue
            reached[name] = (known or set()) | requirement.extras
            waiting += list(self._requirements(self._found[name], frozenset(reached[name])))
        return set(reached)

    def _needs(self, found: Distribution, extras: frozenset[str]) -> set[str]:
        return {canonicalize_name(requirement.name) for requirement in self._requirements(found, extras)}

    def _requirements(self, found: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
        for line in found.requires or ():
            requirement = Requirement(line)
            if self._applies(requirement, extras):
                requirement.marker = None  # it was looked at with the extras of the one that asks
                yield requirement

    def _applies(self, requirement: Requirement, extras: frozenset[str]) -> bool:
        if requirement.marker is None:
            return True
        return any(requirement.marker.evaluate({**self._environment, "extra": extra}) for extra in ("", *extras))

    def _is_excluded(self, name: str) -> bool:
        return name.replace("-", "_") in EXCLUDED


def _licence_of(found: Distribution) -> str:
    said = found.metadata
    for name in ("License-Expression", "License"):
        value = (said[name] or "").strip() if name in said else ""
        if value and "\n" not in value and len(value) <= _LONGEST_NAME and value.upper() != "UNKNOWN":
            return value
    named = [line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    return " AND ".join(named)


def _texts_of(found: Distribution) -> tuple[tuple[str, str], ...]:
    texts: dict[str, str] = {}
    for path in sorted(found.files or (), key=str):
        is_near = ".dist-info" in path.parts[0] or len(path.parts) <= 2
        if not is_near or not _TEXT_FILE.search(path.name) or _NOT_TEXT.search(path.name):
            continue
        place = Path(str(path.locate()))
        if place.is_file():
            text = place.read_text(encoding="utf-8", errors="replace")
            texts.setdefault(text, path.as_posix().partition(".dist-info/")[2] or path.as_posix())
    return tuple((title, text) for text, title in texts.items())
