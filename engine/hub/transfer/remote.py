"""RemoteFile: what is to be fetched, and how a job remembers it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from engine.errors import HubError
from engine.hub.transfer.names import safe_parts
from engine.jobs import Spec

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST: Final = 1 << 50  # bytes; a number that no file has


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file somewhere else.

    Attributes:
        url: where it is, as the hub names it (`https://HOST/OWNER/NAME/resolve/COMMIT/FILE`).
        name: of the file here, relative to the model's folder, with `/`; untrusted.
        size_bytes: 0 if unknown.
        sha256: of its content, in hex; empty if the hub does not say.
        etag: its `ETag` or git's blob id, where the hub names it and no SHA-256; empty if unknown.
    """

    url: str
    name: str
    size_bytes: int = 0
    sha256: str = ""
    etag: str = ""


def download_spec(repo: str, revision: str, target: str, files: Sequence[RemoteFile]) -> Spec:
    """What a download job needs to know: `board.add(JobKind.DOWNLOAD, title, download_spec(...))`.

    Args:
        repo: `owner/name`.
        revision: commit that the files are of.
        target: name of the model's folder inside the model folder; one or two parts with `/`.
        files: the model first, then what belongs to it; they appear together.

    Raises:
        HubError: a name or a number among them is not one that a hub would honestly give.
    """
    spec = {"repo": repo, "revision": revision, "target": target, "files": [_plain(file) for file in files]}
    Wanted.of(spec)
    return spec


def _plain(file: RemoteFile) -> dict[str, Any]:
    return {
        "url": file.url,
        "name": file.name,
        "size": file.size_bytes,
        "sha256": file.sha256.lower(),
        "etag": file.etag,
    }


class _File(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    name: str
    size: int = 0
    sha256: str = ""
    etag: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a download job is about, checked.

    Attributes:
        repo: `owner/name`.
        revision: commit.
        target: name of the model's folder.
        files: as they were asked for.
    """

    repo: str
    revision: str = ""
    target: str
    files: list[_File]

    @classmethod
    def of(cls, spec: Spec) -> Self:
        """Read and check what a job was begun with.

        Raises:
            HubError: a name or a number in it cannot be right.
        """
        try:
            wanted = msgspec.convert(dict(spec), cls)
        except msgspec.ValidationError as error:
            raise HubError(
                f"What the download was to fetch cannot be understood: {error}.", "Begin it anew."
            ) from error
        safe_parts(wanted.target)
        if not wanted.files:
            raise HubError(f"{wanted.repo} has no file to fetch.", "Choose one of its files.")
        seen: set[str] = set()
        for file in wanted.files:
            _check(file)
            folded = "/".join(safe_parts(file.name)).casefold()
            if folded in seen:
                raise HubError(f"{wanted.repo} has two files called {file.name[:80]!r}.", "Choose another model.")
            seen.add(folded)
        return wanted

    def remotes(self) -> tuple[RemoteFile, ...]:
        """The files."""
        return tuple(
            RemoteFile(url=file.url, name=file.name, size_bytes=file.size, sha256=file.sha256, etag=file.etag)
            for file in self.files
        )

    def paths(self, folder: Path) -> tuple[Path, ...]:
        """Where the files belong.

        Args:
            folder: of all models.
        """
        home = folder.joinpath(*safe_parts(self.target))
        return tuple(home.joinpath(*safe_parts(file.name)) for file in self.files)


def _check(file: _File) -> None:
    if not file.url.startswith(("https://", "http://")) or not file.url.isprintable() or " " in file.url:
        raise HubError(f"{file.url[:80]!r} is no address of a file.", "Choose another model.")
    if not 0 <= file.size <= _LARGEST:
        raise HubError(f"{file.name[:80]!r} is said to have {file.size} bytes.", "Choose another model.")
    if file.sha256 and not _SHA256.fullmatch(file.sha256):
        raise HubError(f"The SHA-256 of {file.name[:80]!r} is none: {file.sha256[:80]!r}.", "Choose another model.")
