"""Reads the header of a GGUF file on the hub without its weights, and keeps it."""

import hashlib
import io
import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from engine.errors import HubError, ModelFileError
from engine.finds import HubFile
from engine.hub.addresses import file_path
from engine.hub.connection import HubConnection
from engine.models.gguf import GgufHeader, read_header_from
from engine.plugins.atomic_file import replace_file

log = logging.getLogger(__name__)

MOST_BYTES: Final = 32 << 20
"""Of one header; the largest real ones have 16 MiB."""
MOST_SPLIT: Final = 16
"""Parts whose headers are read; each is a request of its own."""
KEPT_BYTES: Final = 256 << 20
_PATIENCE_S: Final = 12.0


class RemoteHeaders:
    """Reads headers of files on one hub.

    A header is kept in a folder that may be deleted at any time, under a name made of the repository, the commit and
    the file, since these never change together.

    Thread: any; blocks.
    """

    def __init__(self, connection: HubConnection, folder: Path) -> None:
        """Make it ready.

        Args:
            connection: asks the hub.
            folder: keeps headers.
        """
        self._connection, self._folder = connection, folder

    def read(self, repo: str, revision: str, file: HubFile, sizes: dict[str, int]) -> tuple[GgufHeader, ...]:
        """The headers of all parts of a model; empty if they cannot be had in reasonable time.

        Args:
            repo: `owner/name`.
            revision: commit.
            file: of the model.
            sizes: of each file of the repository, in bytes.

        Raises:
            OfflineError: the network is switched off, and a header is not kept.
            ModelFileError: a file is not GGUF, or its header is damaged; says which.
        """
        if len(file.parts) > MOST_SPLIT:
            return ()
        headers = []
        for part in file.parts:
            header = self._read(repo, revision, part, sizes.get(part, 0))
            if header is None:
                return ()
            headers.append(header)
        return tuple(headers)

    def _read(self, repo: str, revision: str, name: str, size: int) -> GgufHeader | None:
        if not size:
            return None
        place = Path(name.rpartition("/")[2])
        kept = self._folder / f"{_digest(repo, revision, name)}.head"
        with suppress(OSError, ModelFileError), kept.open("rb") as stored:
            return read_header_from(stored, place, size)
        path = file_path(repo, revision, name)
        try:
            with self._connection.stream(path, min(size, MOST_BYTES), cut=True) as answer:
                feed = _Feed(answer.iter_raw())
                header = read_header_from(cast("io.BufferedReader", feed), place, size)
        except TimeoutError:
            log.info("the header of %s takes too long", name)
            return None
        except HubError as error:
            log.info("the header of %s cannot be read: %s", name, error)
            self._connection.raise_if_offline()
            return None
        self._keep(kept, bytes(feed.seen))
        return header

    def _keep(self, path: Path, data: bytes) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
            self._forget_old()
        except OSError as error:
            log.info("a header cannot be kept: %s", error)

    def _forget_old(self) -> None:
        """Let those go that were read first, once there are too many."""
        kept = sorted(((found.stat(), found) for found in self._folder.glob("*.head")), key=lambda it: it[0].st_mtime)
        left = sum(status.st_size for status, _ in kept)
        for status, found in kept:
            if left <= KEPT_BYTES:
                return
            found.unlink(missing_ok=True)
            left -= status.st_size


class _Feed:
    """An answer as a file that is read from its first byte on; remembers what was read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._until_s = time.monotonic() + _PATIENCE_S
        self._left = b""
        self.seen = bytearray()

    def read(self, size: int) -> bytes:
        """As many bytes as are asked for, unless the answer ends.

        Raises:
            TimeoutError: it takes too long.
        """
        pieces, missing = [self._left[:size]], size - len(self._left)
        self._left = self._left[size:]
        while missing > 0:
            block = next(self._blocks, b"")
            if not block:
                break
            if time.monotonic() > self._until_s:
                raise TimeoutError
            pieces.append(block[:missing])
            self._left = block[missing:]
            missing -= len(block)
        data = b"".join(pieces)
        self.seen += data
        return data


def _digest(repo: str, revision: str, name: str) -> str:
    return hashlib.sha256("\0".join((repo, revision, name)).encode()).hexdigest()[:40]
