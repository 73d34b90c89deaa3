"""Where licences can be read; the list is data that comes with Hearth."""

from collections.abc import Mapping
from typing import Final

import msgspec

_FILES: Final = ("license", "license.txt", "license.md", "licence", "licence.txt", "licence.md", "copying")
MOST_BYTES: Final = 256 << 10
"""Of a licence's text; the longest known one has 35 kB."""


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """A licence.

    Attributes:
        id: as the hub writes it.
        title: for people.
        url: where it can be read.
    """

    id: str
    title: str
    url: str


def file_among(names: tuple[str, ...]) -> str:
    """The file that holds the licence of a repository; empty if there is none."""
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[name] for name in _FILES if name in by_name), "")


def where(licence: str, link: str, page: str, known: Mapping[str, Licence]) -> str:
    """Where a licence can be read; empty if nobody knows.

    Args:
        licence: as the hub writes it.
        link: that its author gave: an address, a file of the repository, or nothing.
        page: address of the repository's files.
        known: licences by their name in lower case.
    """
    if link.startswith("https://"):
        return link
    found = known.get(licence.lower())
    if found is not None:
        return found.url
    is_file = bool(link) and not link.startswith(("http:", "/", ".")) and ":" not in link
    return f"{page}/{link}" if is_file else ""


def words(licence: str, url: str, known: Mapping[str, Licence]) -> str:
    """What is said of a licence whose text the repository does not hold."""
    if not licence:
        return ""
    found = known.get(licence.lower())
    name = found.title if found is not None else licence
    return f"The licence is stated as {name}. It can be read at {url}." if url else f"The licence is stated as {name}."
