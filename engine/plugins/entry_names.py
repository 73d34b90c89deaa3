"""Names inside a plugin: which ones may be written to a disk, on every system that Hearth runs on.

The rules are the strictest of Linux, macOS and Windows together: what is accepted on one can be installed on all.
"""

import re
import unicodedata
from typing import Final

MOST_ENTRIES: Final = 2000
MOST_BYTES: Final = 50 << 20
_MOST_DEPTH: Final = 8
_MOST_NAME_BYTES: Final = 120  # of one part; file systems stop at 255, and encrypted ones at 143
_MOST_PATH_CHARACTERS: Final = 180  # Windows stops at 260 with the user's folder before it

_FORBIDDEN: Final = frozenset('<>:"|?*\\')
_HIDDEN_KINDS: Final = frozenset(
    {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
)  # control, direction, surrogate, unassigned
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_LEFT_OUT: Final = frozenset({"__pycache__", "__macosx"})


class BrokenRuleError(Exception):
    """A rule about plugins is broken; the text goes on after "it", as in `holds a link: a`."""


class EntryNames:
    """All names of one plugin, which must not get into each other's way."""

    def __init__(self) -> None:
        self._spelled: dict[tuple[str, ...], tuple[str, ...]] = {}  # folded -> as written, files and folders
        self._files: set[tuple[str, ...]] = set()  # folded
        self._folders: set[tuple[str, ...]] = set()  # folded
        self._named: set[tuple[str, ...]] = set()  # folded; those that are entries, not only parents of some
        self._count = 0

    def add(self, name: str, *, is_folder: bool) -> tuple[str, ...]:
        """Check one more name and return its parts.

        Args:
            name: with slashes between its parts, and none at the end.
            is_folder: whether it is a folder.

        Raises:
            BrokenRuleError: it must not be written, or clashes with an earlier one.
        """
        self._count += 1
        if self._count > MOST_ENTRIES:
            raise BrokenRuleError(f"holds more than {MOST_ENTRIES:,} files and folders")
        parts = checked_parts(name)
        folded = tuple(_folded(part) for part in parts)
        if folded in self._named and self._spelled[folded] == parts:
            raise BrokenRuleError(f"holds {name!a} twice")
        self._named.add(folded)
        for length in range(1, len(parts) + 1):
            self._take(parts[:length], folded[:length], is_file=not is_folder and length == len(parts))
        return parts

    def _take(self, parts: tuple[str, ...], folded: tuple[str, ...], *, is_file: bool) -> None:
        known = self._spelled.setdefault(folded, parts)
        if known != parts:
            both = f"{'/'.join(known)!a} and {'/'.join(parts)!a}"
            raise BrokenRuleError(f"holds names that are the same on some systems: {both}")
        if folded in (self._folders if is_file else self._files):
            raise BrokenRuleError(f"holds {'/'.join(parts)!a} both as a file and as a folder")
        (self._files if is_file else self._folders).add(folded)


def checked_parts(name: str) -> tuple[str, ...]:
    """Split a name into its parts.

    Raises:
        BrokenRuleError: it must not be written.
    """
    shown = ascii(name if len(name) <= _MOST_PATH_CHARACTERS else name[:40] + "…")
    if len(name) > _MOST_PATH_CHARACTERS:
        raise BrokenRuleError(f"holds a name of more than {_MOST_PATH_CHARACTERS} characters: {shown}")
    if name.startswith("/"):
        raise BrokenRuleError(f"holds an absolute name: {shown}")
    parts = tuple(name.split("/"))
    if len(parts) > _MOST_DEPTH:
        raise BrokenRuleError(f"holds folders more than {_MOST_DEPTH} deep: {shown}")
    for part in parts:
        _check_part(part, shown)
    return parts


def is_left_out(parts: tuple[str, ...]) -> bool:
    """Whether an entry is no part of a plugin: hidden files, compiled Python, what macOS adds to a zip.

    Compiled Python is left out because it can do something else than the source that lies beside it.
    """
    folded = [part.casefold() for part in parts]
    return any(part.startswith(".") or part in _LEFT_OUT or part.endswith(".pyc") for part in folded)


def _check_part(part: str, shown: str) -> None:
    if part in {"", ".", ".."}:
        raise BrokenRuleError(f"holds a name that leaves its folder or has empty parts: {shown}")
    if any(unicodedata.category(character) in _HIDDEN_KINDS for character in part):
        raise BrokenRuleError(f"holds a name with control characters: {shown}")
    if _FORBIDDEN & set(part):
        raise BrokenRuleError(f"holds a name with one of the characters {' '.join(sorted(_FORBIDDEN))}: {shown}")
    if part[-1] in ". " or part[0] == " ":
        raise BrokenRuleError(f"holds a name that begins with a space, or ends with one or a dot: {shown}")
    if _DEVICES.fullmatch(part.split(".")[0].rstrip(" ")):
        raise BrokenRuleError(f"holds a name that is a device on Windows: {shown}")
    if len(part.encode()) > _MOST_NAME_BYTES:
        raise BrokenRuleError(f"holds a name of more than {_MOST_NAME_BYTES} bytes: {shown}")


def _folded(part: str) -> str:
    """What a file system that minds neither case nor form makes of a name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
