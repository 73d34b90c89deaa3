"""Frozen values about versions of Hearth itself that can be had, and which of two versions is the newer one."""

import re
from dataclasses import dataclass
from typing import Final

VERSION: Final = (
    r"v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}(?:[-_.]?(?:a|b|rc)[-_.]?[0-9]{1,9})?(?:\.post[0-9]{1,9})?(?:\.dev[0-9]{1,9})?"
    r"(?:\+[A-Za-z0-9.]{1,64})?"
)
"""What a version looks like: that of Python's packages, without epochs."""
_PARTS: Final = re.compile(
    r"v?(?P<release>[0-9.]*[0-9])(?:[-_.]?(?P<stage>a|b|rc)[-_.]?(?P<pre>[0-9]+))?"
    r"(?:\.post(?P<post>[0-9]+))?(?:\.dev(?P<dev>[0-9]+))?(?:\+.*)?"
)
_STAGES: Final = {"a": 0, "b": 1, "rc": 2}
_FINAL: Final = (3, 0)
_BEFORE_ALL: Final = (-1, 0)
_NOT_DEV: Final = 1 << 62

_Key = tuple[tuple[int, ...], tuple[int, int], int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile:
    """A file that a version can be installed from.

    Attributes:
        system: `windows`, `linux` or `macos`.
        name: of the file.
        url: where it is; Hearth never fetches it.
        sha256: 64 hexadecimal digits.
        size_bytes: of the file.
    """

    system: str
    name: str
    url: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version of Hearth, as the list of versions describes it.

    Attributes:
        version: such as `0.2.0`.
        released: date, as `2026-12-24`.
        notes: what is new, as Markdown of unknown origin.
        page: where it can be downloaded.
        files: for all systems.
    """

    version: str
    released: str
    notes: str
    page: str
    files: tuple[ReleaseFile, ...]

    def files_for(self, system: str) -> tuple[ReleaseFile, ...]:
        """The files for one system."""
        return tuple(file for file in self.files if file.system == system)


def is_newer(version: str, than: str) -> bool:
    """Whether a version comes after another one: `0.10.0` after `0.9`, `1.0` after `1.0rc1`.

    Args:
        version: of what may be new.
        than: of what is here.

    Returns:
        False as well where one of them is no version.
    """
    new, here = _key(version), _key(than)
    return new is not None and here is not None and new > here


def _key(version: str) -> _Key | None:
    """What versions are ordered by."""
    if not re.fullmatch(VERSION, version) or (parts := _PARTS.fullmatch(version)) is None:
        return None
    release = [int(number) for number in parts["release"].split(".")]
    while len(release) > 1 and not release[-1]:  # 1.0 is 1
        release.pop()
    if parts["stage"]:
        stage = (_STAGES[parts["stage"]], int(parts["pre"]))
    else:
        stage = _BEFORE_ALL if parts["dev"] and not parts["post"] else _FINAL
    dev = int(parts["dev"]) if parts["dev"] else _NOT_DEV
    return tuple(release), stage, int(parts["post"] or -1), dev
