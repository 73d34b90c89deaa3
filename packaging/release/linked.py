"""Which collected libraries a frozen program for Linux needs: those that something links to, and the system has not."""

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

Entry = tuple[str, str, str]
"""What PyInstaller collects: place in the program, file that it comes from, and kind."""

OF_THE_SYSTEM: Final = frozenset(
    {
        "libX11-xcb.so.1",
        "libX11.so.6",
        "libdbus-1.so.3",
        "libdrm.so.2",
        "libexpat.so.1",
        "libfontconfig.so.1",
        "libfreetype.so.6",
        "libgcc_s.so.1",
        "libglib-2.0.so.0",
        "libgthread-2.0.so.0",
        "libstdc++.so.6",
        "libvulkan.so.1",
        "libwayland-client.so.0",
        "libwayland-cursor.so.0",
        "libwayland-egl.so.1",
        "libxcb.so.1",
        "libz.so.1",
    }
)
"""Every desktop has them, in the version that fits its drivers, fonts and settings; a copy of ours may not."""
_SHARED: Final = (PurePosixPath("."), PurePosixPath("PySide6/Qt/lib"))
_NAMED: Final = re.compile(r"^File: (?P<file>.*)$|\(NEEDED\).*\[(?P<needed>.*)\]$", re.MULTILINE)


def linked_only(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out libraries that nobody links to any more, or that the system has.

    Libraries in the folder of a package belong to it and stay. Those in the folders that all share were collected
    because something linked to them, which may have been left out since.

    Raises:
        OSError: there is no `readelf`.
    """
    needs = needed_names([source for _, source, kind in entries if kind != "SYMLINK"])
    found = {PurePosixPath(place).name: source for place, source, kind in entries if kind != "SYMLINK"}
    wanted: set[str] = set()
    coming = [source for place, source, kind in entries if not _is_loose(place) and kind != "SYMLINK"]
    while coming:
        for name in needs.get(coming.pop(), ()):
            if name in found and name not in wanted and name not in OF_THE_SYSTEM:
                wanted.add(name)
                coming.append(found[name])
    return [entry for entry in entries if not _is_loose(entry[0]) or PurePosixPath(entry[0]).name in wanted]


def needed_names(files: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """The libraries that each file links to, by its path; `readelf` says so.

    Raises:
        OSError: there is no `readelf`.
    """
    asked = sorted(set(files))
    said = subprocess.run(["readelf", "--dynamic", "--wide", *asked], capture_output=True, text=True, check=False)
    needs: dict[str, list[str]] = {}
    current = asked[0] if asked else ""
    for match in _NAMED.finditer(said.stdout):
        if match["file"] is not None:
            current = match["file"]
        else:
            needs.setdefault(current, []).append(match["needed"])
    return {file: tuple(names) for file, names in needs.items()}


def _is_loose(place: str) -> bool:
    path = PurePosixPath(place)
    return path.parent in _SHARED and path.name.startswith("lib") and not path.name.startswith("libpython")
