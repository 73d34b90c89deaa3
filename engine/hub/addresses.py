"""Addresses of a hub and of what it has."""

from typing import Final
from urllib.parse import quote, urlsplit

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Hosts on the way to which nobody listens."""


def host_of(url: str) -> str:
    """The host of an address in lower case, with the port if it names one, without any password.

    Returns:
        What can be told of an address that is none; it may be empty. Nothing will be reached there.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:  # a bracket without the other, or no port
        return ""
    name = f"[{name}]" if ":" in name else name
    return f"{name}:{port}" if port else name


def file_path(repo: str, revision: str, name: str) -> str:
    """Where a file of a repository is, behind the hub's address."""
    return f"/{repo}/resolve/{quote(revision, safe='')}/{quote(name)}"


def is_confidential(url: str) -> bool:
    """Whether nobody on the way can read or change what goes to an address: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:  # a bracket without the other
        return False
