"""Where libraries look for others: beside themselves, and in no folder of the machine that they were built on.

Whoever can write to a folder of that name on another machine could otherwise have code of theirs loaded.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_BESIDE: Final = "$ORIGIN"
_NAMED: Final = re.compile(r"^File: (?P<file>.*)$|\((?:RUNPATH|RPATH)\).*\[(?P<places>.*)\]$", re.MULTILINE)


def keep_relative(contents: Path) -> list[Path]:
    """Take absolute folders out of the search paths of all libraries in a tree.

    Args:
        contents: of a frozen program for Linux.

    Returns:
        The libraries that were changed.

    Raises:
        OSError: there is no `readelf`.
    """
    changed = []
    for path, places in _search_paths(sorted(path for path in contents.rglob("*.so*") if not path.is_symlink())):
        kept = relative_places(places)
        if kept != places:
            # The name is changed where it stands: what is shorter is filled up with the zeros that end a name.
            old, new = (f"\0{text}\0".encode() for text in (places, kept))
            path.write_bytes(path.read_bytes().replace(old, new.ljust(len(old), b"\0")))
            changed.append(path)
    return changed


def relative_places(places: str) -> str:
    """A search path without absolute folders, never longer than it was; the loader passes over an empty one.

    Args:
        places: folders, with colons between them.
    """
    kept = ":".join(place for place in places.split(":") if place.startswith(_BESIDE))
    return kept or (_BESIDE if len(places) >= len(_BESIDE) else "")


def _search_paths(files: list[Path]) -> Iterator[tuple[Path, str]]:
    if not files:
        return
    command = ["readelf", "--dynamic", "--wide", *map(str, files)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    current = files[0]
    for match in _NAMED.finditer(said):
        if match["file"] is not None:
            current = Path(match["file"])
        else:
            yield current, match["places"]
