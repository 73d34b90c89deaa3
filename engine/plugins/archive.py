"""Unpacking a plugin's zip: bounded in size, count and ratio, into a folder that nobody else knows yet.

`zipfile.extractall` and pip are not used: they write what they are told to, as much as they are told to.
"""

import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from engine.errors import PluginRefusedError
from engine.plugins.entry_names import MOST_BYTES, BrokenRuleError, is_left_out
from engine.plugins.zip_entries import STORED, ZipEntry, read_entries

_MOST_RATIO: Final = 100
_FREE_BYTES: Final = 64 << 10  # small files of one repeated character are honest, whatever their ratio
_MOST_ZIP_BYTES: Final = MOST_BYTES + (2 << 20)  # with room for headers
_PIECE_BYTES: Final = 64 << 10


def unpack(source: Path, folder: Path) -> None:
    """Write the files of a zip into a folder, and make sure that they are on the disk.

    Args:
        source: the zip; only read.
        folder: exists and is empty; left as it is, half filled, if this fails.

    Raises:
        PluginRefusedError: the zip breaks a rule; says which.
        OSError: the disk is full, say.
    """
    try:
        data = _read(source)
        entries = read_entries(data)
        budget = _Budget(sum(entry.packed_bytes for entry in entries))
        for entry in entries:
            _unpack_entry(data, entry, folder, budget)
    except BrokenRuleError as error:
        raise refusal(source, error) from None
    sync_folders(folder)


def refusal(source: Path, error: BrokenRuleError) -> PluginRefusedError:
    """The error that people are shown when a folder or zip breaks a rule."""
    return PluginRefusedError(
        source.name, f"{source.name} is refused as a plugin: it {error}.", "Ask its author for another one."
    )


def create_file(path: Path) -> BinaryIO:
    """Make a new file; never follows a link, never overwrites."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o644), "wb")


def sync_file(stream: BinaryIO) -> None:
    """Make sure that what was written is on the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_folders(folder: Path) -> None:
    """Make sure that the names in a folder and in those below are on the disk."""
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk; Windows does that by itself."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Budget:
    """What may still be written; counts what really comes out, whatever the headers say."""

    def __init__(self, packed_bytes: int) -> None:
        self._most = min(MOST_BYTES, max(_FREE_BYTES, packed_bytes * _MOST_RATIO))
        self._spent = 0

    def spend(self, count: int) -> None:
        self._spent += count
        if self._spent > self._most:
            raise BrokenRuleError(
                f"holds more than {MOST_BYTES >> 20} MiB"
                if self._most == MOST_BYTES
                else f"grows to more than {_MOST_RATIO} times its size"
            )


def _read(source: Path) -> bytes:
    if not stat.S_ISREG(source.stat().st_mode):  # opening a pipe would wait for whoever writes into it
        raise BrokenRuleError("is no zip")
    with source.open("rb") as stream:
        data = stream.read(_MOST_ZIP_BYTES + 1)
    if len(data) > _MOST_ZIP_BYTES:
        raise BrokenRuleError(f"holds more than {MOST_BYTES >> 20} MiB")
    return data


def _unpack_entry(data: bytes, entry: ZipEntry, folder: Path, budget: _Budget) -> None:
    if is_left_out(entry.parts):
        return
    path = folder.joinpath(*entry.parts)
    if entry.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    crc = size = 0
    own = _Budget(entry.packed_bytes)
    with create_file(path) as stream:
        for piece in _content(data, entry):
            own.spend(len(piece))
            budget.spend(len(piece))
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > entry.size_bytes:
                break
            stream.write(piece)
        sync_file(stream)
    if size != entry.size_bytes or crc != entry.crc:
        raise BrokenRuleError(f"is damaged: {'/'.join(entry.parts)!r} has another content than it says")


def _content(data: bytes, entry: ZipEntry) -> Iterator[bytes]:
    packed = memoryview(data)[entry.start : entry.start + entry.packed_bytes]
    if entry.method == STORED:
        yield bytes(packed)
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for start in range(0, len(packed), _PIECE_BYTES):
            rest = bytes(packed[start : start + _PIECE_BYTES])
            while rest and not inflater.eof:
                yield inflater.decompress(rest, _PIECE_BYTES)
                rest = inflater.unconsumed_tail
            if rest:
                raise BrokenRuleError(f"is damaged: {'/'.join(entry.parts)!r} is longer than it says")
        while not inflater.eof and (piece := inflater.decompress(b"", _PIECE_BYTES)):
            yield piece
    except zlib.error as error:
        raise BrokenRuleError(f"is damaged: {'/'.join(entry.parts)!r} cannot be inflated") from error
    if not inflater.eof or inflater.unused_data:
        raise BrokenRuleError(f"is damaged: {'/'.join(entry.parts)!r} is shorter or longer than it says")
