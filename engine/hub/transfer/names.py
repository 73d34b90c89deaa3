"""Names of files that come from the network: only those that are harmless on every system are taken."""

import re
from typing import Final

from engine.errors import HubError

_MOST_PARTS: Final = 8
_LONGEST_BYTES: Final = 200  # file systems take 255, and `.part.json` comes behind it
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?", re.IGNORECASE)
OWN: Final = (".part", ".part.json", ".new", ".lock")
"""Endings of Hearth's own files beside a download."""


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a relative name with `/`.

    Raises:
        HubError: it leads elsewhere, or some system would take it for something else.
    """
    parts = tuple(name.split("/"))
    if len(parts) > _MOST_PARTS or not all(_is_safe(part) for part in parts):
        raise HubError(f"A file is called {name[:80]!r}, which is not safe to write.", "Choose another model.")
    return parts


def _is_safe(part: str) -> bool:
    try:
        length = len(part.encode())
    except UnicodeEncodeError:  # half a surrogate
        return False
    return (
        0 < length <= _LONGEST_BYTES
        and part.isprintable()
        and not _FORBIDDEN.search(part)
        and not part.startswith((" ", "."))  # also `.` and `..`; hidden files are of no use to a model
        and not part.endswith((" ", ".", *OWN))
        and not _DEVICES.fullmatch(part)
    )
