"""What a Windows of Wine's has on its disk and in its registry, and what a picture of its screen shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from release.wine import Wine

_EXPORT: Final = "C:\\windows\\temp\\user.reg"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was there.

    Attributes:
        files: below drive C, with slashes; Windows' own folder is left out.
        entries: of the user's registry: key and value.
    """

    files: frozenset[str]
    entries: frozenset[str]


def snapshot(wine: Wine) -> Snapshot:
    """List what is there now."""
    drive = wine.prefix / "drive_c"
    files = {
        path.relative_to(drive).as_posix()
        for path in drive.rglob("*")
        if path.is_file() and path.relative_to(drive).parts[0] != "windows"
    }
    wine.run(["reg", "export", "HKCU", _EXPORT, "/y"])
    text = (drive / "windows" / "temp" / "user.reg").read_bytes().decode("utf-16")
    return Snapshot(frozenset(files), frozenset(entries_of(text)))


def entries_of(export: str) -> list[str]:
    """The entries of an exported registry, each with its key.

    Args:
        export: text of a `.reg` file.
    """
    found, key = [], ""
    for line in export.replace("\\\r\n  ", "").replace("\\\n  ", "").splitlines():
        if line.startswith("["):
            key = line.strip("[]")
            found.append(key)
        elif line.strip() and key:
            found.append(f"{key} {line}")
    return found


def differences(before: Snapshot, after: Snapshot) -> tuple[list[str], list[str]]:
    """Files and entries of the registry that are new or changed."""
    return sorted(after.files - before.files), sorted(after.entries - before.entries)


def colours_of(picture: Path) -> int:
    """How many colours a picture has; an empty screen has one, a window with text has hundreds."""
    with Image.open(picture) as image:
        counted = image.convert("RGB").getcolors(maxcolors=1 << 24)
    return len(counted or ())
