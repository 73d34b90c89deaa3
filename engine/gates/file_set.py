"""The files that a model consists of: their stamps, which cost a `stat` each, and the digest of what is in them."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.errors import ModelError
from engine.models.fingerprint import SAMPLE_BYTES, SAMPLES
from engine.models.gguf import MAX_HEADER_BYTES
from engine.models.onnx import read_onnx_header
from engine.models.split_files import later_parts, named_count

Stamp = tuple[int, int, int, int]
"""Size, time of change in ns, inode, and when the system noted a change in ns, which no program can set."""

_WHOLE_BYTES: Final = MAX_HEADER_BYTES
"""Read whole up to here, so that the digest covers every byte of every header that the gates let through."""
_PIECE_BYTES: Final = 1 << 20


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that a model consists of, whether they are there or not; the given one comes first."""
    if path.suffix.lower() != ".onnx":
        return (path, *later_parts(path, min(named_count(path), 1024)))
    try:
        locations = read_onnx_header(path).locations
    except ModelError:
        locations = ()
    return (path, *(path.parent / name for name in locations))


def stamp_of(path: str | Path) -> Stamp | None:
    """The stamp of a file; None if it is not there, or cannot be seen."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def digest_of(files: Iterable[Path]) -> str:
    """SHA-256 over sizes and contents, in hexadecimal digits; large files are read in samples after their first 64 MiB.

    No inference library reads the weights as anything but numbers, so what lies between the samples can spoil answers
    but not the process. Graphs (`.onnx`) are read whole. A missing file counts as one.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        stamp = stamp_of(path)
        digest.update(f"{None if stamp is None else stamp[0]}\n".encode())
        if stamp is not None:
            _add(digest, path, stamp[0])
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", path: Path, size: int) -> None:
    whole = size if path.suffix.lower() == ".onnx" else min(size, _WHOLE_BYTES)
    with path.open("rb") as file:
        for at in range(0, whole, _PIECE_BYTES):
            digest.update(file.read(min(_PIECE_BYTES, whole - at)))
        rest = size - whole
        for number in range(SAMPLES if rest > 0 else 0):  # the last one is the end of the file
            file.seek(whole + max(0, rest - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
