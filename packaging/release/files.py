"""The files that people download, by the names that other programs rely on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"
LATEST: Final = "latest.json"
SYSTEMS: Final = ("linux", "macos", "windows")


@dataclass(frozen=True, slots=True)
class Download:
    """A file that holds Hearth for one system.

    Attributes:
        path: where it was made.
        system: `linux`, `macos` or `windows`.
    """

    path: Path
    system: str


def downloads(dist: Path, version: str) -> list[Download]:
    """What was made of a version, of that which holds Hearth itself; sorted by name."""
    found = [Download(dist / name, system) for name, system in _names(version) if (dist / name).is_file()]
    return sorted(found, key=lambda download: download.path.name)


def release_files(dist: Path, version: str) -> list[Path]:
    """Everything of a version that is put up for download, but for the checksums; sorted by name.

    What lies in `dist` of other versions is left out.
    """
    others = [sbom_file(dist, version, system) for system in SYSTEMS] + [dist / LATEST]
    found = [download.path for download in downloads(dist, version)] + [path for path in others if path.is_file()]
    return sorted(found, key=lambda path: path.name)


def sbom_file(dist: Path, version: str, system: str) -> Path:
    """Where the list of components of a system's program is kept."""
    return dist / f"hearth-{version}-{system}.cdx.json"


def _names(version: str) -> Iterator[tuple[str, str]]:
    yield f"hearth_{version}_amd64.deb", "linux"
    yield f"hearth-{version}-linux-x86_64.tar.xz", "linux"
    yield f"Hearth-{version}-setup.exe", "windows"
    yield f"Hearth-{version}.dmg", "macos"
