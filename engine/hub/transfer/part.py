"""PartFile: a file that is not whole yet, with what is known of each of its blocks."""

import hashlib
import io
import os
import stat
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
import psutil

from engine.hub.transfer.remote import RemoteFile
from engine.plugins.atomic_file import replace_file

BLOCK_BYTES: Final = 4 << 20
_SAME_START_S: Final = 60.0  # the system's start is known to the second, and moves a little when the clock is set
_LARGEST_NOTE: Final = 64 << 20
_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class _Note(msgspec.Struct, kw_only=True):
    """What is kept beside a part."""

    url: str
    size: Annotated[int, msgspec.Meta(ge=0)] = 0  # 0 if unknown
    sha256: str = ""  # that it has to have, as it was asked for
    learned: str = ""  # that it has to have, as the hub said while it was fetched
    etag: str = ""  # that it came with
    booted_s: float = 0.0  # when the system was started that wrote it
    crcs: list[int] = []  # of the whole blocks that have reached the disk
    seams: list[Annotated[int, msgspec.Meta(ge=0)]] = []  # blocks in which one connection ended and another began
    digest: str = ""  # that it has, once it was all there and right


class PartFile:
    """`NAME.part` and `NAME.part.json` beside the place where a file will be.

    Blocks have a CRC-32 each, so that damage on the disk is found and costs one block. What was written after the last
    note survives the end of the process, but not that of the system: the note says which system start it is of.

    Thread: one.

    Attributes:
        target: where the file will be.
        path: where it is until then.
        have: bytes that are there.
        size: in the end; 0 if unknown.
        etag: that it came with; empty if it did not say.
    """

    def __init__(self, target: Path, remote: RemoteFile, checkpoint_s: float) -> None:
        """Open what there is of it, or begin it; a part of something else is thrown away.

        Raises:
            OSError: it cannot be written.
        """
        self.target = target
        self.path = target.with_name(f"{target.name}.part")
        self._note_path = target.with_name(f"{target.name}.part.json")
        self._checkpoint_s = checkpoint_s
        self._noted_s = time.monotonic()
        target.parent.mkdir(parents=True, exist_ok=True)
        self._note, is_known = self._read_note(remote)
        if self.path.is_file() and not self.path.is_symlink():
            os.chmod(self.path, 0o600)  # it was about to be put in place when the program ended
        self._file = io.FileIO(os.open(self.path, _FLAGS, 0o600), "r+b")
        self._asked_size = remote.size_bytes
        self.size, self.etag = remote.size_bytes or self._note.size, self._note.etag
        self._hash = hashlib.sha256()
        self._crc = 0  # of the block that is being written
        self.have = 0
        try:
            self._take_over(is_known)
        except BaseException:
            self._file.close()
            raise

    def _read_note(self, remote: RemoteFile) -> tuple[_Note, bool]:
        new = _Note(url=remote.url, size=remote.size_bytes, sha256=remote.sha256)
        note = _read(self._note_path)
        if note is None:
            return new, False
        is_same = (
            note.sha256 == remote.sha256
            if remote.sha256
            else note.url == remote.url and bool(note.etag or note.learned)
        )
        if remote.size_bytes and note.size not in {0, remote.size_bytes}:
            is_same = False
        return (note, True) if is_same else (new, False)

    def _take_over(self, is_known: bool) -> None:
        there = os.fstat(self._file.fileno()).st_size if is_known else 0
        if self.size:
            there = min(there, self.size)
        noted = len(self._note.crcs) * BLOCK_BYTES
        if there > noted and abs(self._note.booted_s - psutil.boot_time()) > _SAME_START_S:
            there = noted  # written, but perhaps not to the disk before the power went
        del self._note.crcs[there // BLOCK_BYTES :]
        self._file.truncate(there)
        self._note.booted_s = psutil.boot_time()
        self.have = there

    @property
    def learned(self) -> str:
        """SHA-256 that the hub named while it was fetched; empty if it did not."""
        return self._note.learned

    @learned.setter
    def learned(self, sha256: str) -> None:
        self._note.learned = sha256

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are there, right or wrong."""
        return bool(self.size) and self.have >= self.size

    @property
    def blocks(self) -> int:
        """How many there are, with a last short one."""
        return -(-self.have // BLOCK_BYTES)

    @property
    def seams(self) -> tuple[int, ...]:
        """Blocks in which connections ended: wrong bytes are likelier there."""
        return tuple(sorted({seam for seam in self._note.seams if seam < self.blocks}))

    @property
    def sha256(self) -> str:
        """SHA-256 of what is there, as it was written, or as `verify` has read it."""
        return self._hash.hexdigest()

    def verify(self, look: Callable[[int], None]) -> list[int]:
        """Read all of it again; returns the blocks that are not as they were written.

        Args:
            look: told the bytes read so far; may raise to end it.

        Raises:
            OSError: it cannot be read.
        """
        bad: list[int] = []
        crcs: list[int] = []
        self._hash, self._crc = hashlib.sha256(), 0
        for block in range(self.blocks):
            data = self.read_block(block)
            self._hash.update(data)
            crc = zlib.crc32(data)
            if block < len(self._note.crcs) and self._note.crcs[block] != crc:
                bad.append(block)
                crc = self._note.crcs[block]
            if self._is_whole_block(block):
                crcs.append(crc)
            else:
                self._crc = crc
            look(min(self.have, (block + 1) * BLOCK_BYTES))
        self._note.crcs = crcs
        self._file.seek(self.have)
        return bad

    def _is_whole_block(self, block: int) -> bool:
        return (block + 1) * BLOCK_BYTES <= self.have

    def span(self, block: int) -> tuple[int, int]:
        """First byte of a block, and the one behind its last."""
        return block * BLOCK_BYTES, min(self.have, (block + 1) * BLOCK_BYTES)

    def read_block(self, block: int) -> bytes:
        """A block as it is on the disk; one that cannot be read is empty, and so is not as it was written."""
        start, end = self.span(block)
        self._file.seek(start)
        data = bytearray()
        while len(data) < end - start:
            try:
                piece = self._file.read(end - start - len(data))
            except OSError:  # a broken sector; writing there mends it
                break
            if not piece:
                break
            data += piece
        return bytes(data)

    def write_block(self, block: int, data: bytes) -> None:
        """Replace one; `verify` has to follow before more is appended.

        Raises:
            OSError: it cannot be written.
        """
        self._file.seek(block * BLOCK_BYTES)
        self._write(data)
        if block < len(self._note.crcs):
            self._note.crcs[block] = zlib.crc32(data)

    def append(self, data: bytes) -> None:
        """Add what comes next.

        Raises:
            OSError: the disk is full, or fails; as much as did fit is kept.
        """
        view = memoryview(data)
        while view:
            piece = view[: BLOCK_BYTES - self.have % BLOCK_BYTES]
            self._write(piece)
            self._hash.update(piece)
            self._crc = zlib.crc32(piece, self._crc)
            self.have += len(piece)
            if self.have % BLOCK_BYTES == 0:
                self._note.crcs.append(self._crc)
                self._crc = 0
            view = view[len(piece) :]
        if time.monotonic() - self._noted_s > self._checkpoint_s:
            self.checkpoint()

    def _write(self, data: bytes | memoryview) -> None:
        while data:
            data = data[self._file.write(data) :]

    def begin(self, size: int, etag: str) -> None:
        """Note what the server says of the file before its first byte is kept.

        Raises:
            OSError: it cannot be written.
        """
        self.size = self._note.size = size
        self.etag = self._note.etag = etag
        self.checkpoint()

    def seam(self) -> None:
        """A connection ended here."""
        if self.have and not self.is_complete:
            self._note.seams = [*self._note.seams[-63:], self.have // BLOCK_BYTES]

    def finish(self) -> None:
        """Note that it is whole and right.

        Raises:
            OSError: it cannot be written.
        """
        self._note.digest = self.sha256
        self.checkpoint()

    def checkpoint(self) -> None:
        """Bring everything to the disk, and write down what is there.

        Raises:
            OSError: it cannot be written.
        """
        os.fsync(self._file.fileno())
        replace_file(self._note_path, msgspec.json.encode(self._note))
        self._noted_s = time.monotonic()

    def restart(self) -> None:
        """Throw away what is there.

        Raises:
            OSError: it cannot be written.
        """
        self._file.seek(0)
        self._file.truncate(0)
        self.have, self._crc, self._hash = 0, 0, hashlib.sha256()
        self._note.crcs, self._note.seams, self._note.learned = [], [], ""
        self._note.digest = ""
        self.begin(self._asked_size, "")

    def close(self) -> None:
        """Keep it for the next time."""
        if not self._file.closed:
            with suppress(OSError):  # a full disk: the note is older then, and what follows it is found again
                self.checkpoint()
            self._file.close()

    def place(self) -> None:
        """Let the file appear, read-only, in the place of an older one; its note stays until `forget`.

        Raises:
            OSError: it cannot be renamed.
        """
        self._file.close()
        os.chmod(self.path, stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
        if os.name == "nt":
            with suppress(FileNotFoundError):
                os.chmod(self.target, stat.S_IWRITE)  # a read-only file cannot be replaced there
        os.replace(self.path, self.target)
        sync_folder(self.target.parent)


def digest_in(note_path: Path) -> str:
    """SHA-256 of the file that a note is about, if that was whole and right; else an empty text."""
    note = _read(note_path)
    return note.digest if note is not None else ""


def _read(note_path: Path) -> _Note | None:
    try:
        with note_path.open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_NOTE), type=_Note)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def sync_folder(folder: Path) -> None:
    """Make a rename last, where the system can."""
    if os.name == "nt":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def own_files(target: Path) -> tuple[Path, ...]:
    """Files that a download has beside the place where its file will be."""
    return tuple(target.with_name(target.name + end) for end in (".part", ".part.json", ".part.json.new"))
