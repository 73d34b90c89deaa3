"""Addresses of a hub and of what it has."""

from urllib.parse import quote, urlsplit


def host_of(url: str) -> str:
    """The host of an address in lower case, with the port if it names one, without any password."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return f"{name}:{parts.port}" if parts.port else name


def file_path(repo: str, revision: str, name: str) -> str:
    """Where a file of a repository is, behind the hub's address."""
    return f"/{repo}/resolve/{quote(revision, safe='')}/{quote(name)}"
