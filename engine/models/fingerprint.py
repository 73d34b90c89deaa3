"""Fingerprint of a model: tells whether its files are still the same, without reading gigabytes.

SHA-256 over size, time of change, beginning, and samples spread evenly over each file that is part of it. A file that
is changed within less than the file system can tell, keeps its size, and differs between the samples only is not
noticed; nobody does that to weights.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.models.onnx import read_onnx_header
from engine.models.split_files import later_parts, named_count

HEAD_BYTES: Final = 1 << 20
SAMPLE_BYTES: Final = 64 << 10
SAMPLES: Final = 32
_MOST_REMEMBERED: Final = 4096

_Stamp = tuple[str, int, int, int, int]
"""Path, size, time of change in ns, inode, and when the system noted a change, which no program can set."""


class Fingerprints:
    """Fingerprints of models; of files that are as they were, it costs one `stat` each.

    Thread: one.
    """

    def __init__(self) -> None:
        self._files: dict[_Stamp, bytes] = {}
        self._weights: dict[_Stamp, tuple[Path, ...]] = {}  # where graphs keep theirs

    def of(self, path: Path) -> bytes:
        """Fingerprint of the model of a file, with everything that belongs to it.

        Raises:
            OSError: a file is missing, or cannot be read.
            ModelError: it is no model.
        """
        digest = hashlib.sha256()
        for part in self._parts(path):
            digest.update(self._file(part))
        return digest.digest()

    def _parts(self, path: Path) -> Iterator[Path]:
        yield path
        if path.suffix.lower() != ".onnx":
            yield from later_parts(path, named_count(path))
            return
        yield from self._external(path)
        for neighbour in (path.with_suffix(".json"), path.with_name("tokenizer.json")):
            if neighbour.exists():
                yield neighbour

    def _external(self, path: Path) -> tuple[Path, ...]:
        stamp = _stamp(path)
        if stamp not in self._weights:
            _forget_some(self._weights)
            self._weights[stamp] = tuple(path.parent / name for name in read_onnx_header(path).locations)
        return self._weights[stamp]

    def _file(self, path: Path) -> bytes:
        stamp = _stamp(path)
        if (known := self._files.get(stamp)) is None:
            known = _read(path, stamp)
            _forget_some(self._files)
            self._files[stamp] = known
        return known


def content_of(path: Path) -> bytes:
    """Tells whether a file is the same as another, wherever and whenever it was written, without reading gigabytes.

    Raises:
        OSError: it is missing, or cannot be read.
    """
    return _read(path, (str(path), path.stat().st_size, 0, 0, 0))


def _stamp(path: Path) -> _Stamp:
    status = os.stat(path)
    return str(path), status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _read(path: Path, stamp: _Stamp) -> bytes:
    _, size, changed_ns, *_ = stamp
    digest = hashlib.sha256(f"{size} {changed_ns}\n".encode())
    with path.open("rb") as file:
        digest.update(file.read(HEAD_BYTES))
        rest = size - HEAD_BYTES
        if rest <= SAMPLES * SAMPLE_BYTES:
            digest.update(file.read())
        else:
            for number in range(SAMPLES):  # the last one is the end of the file
                file.seek(HEAD_BYTES + (rest - SAMPLE_BYTES) * number // (SAMPLES - 1))
                digest.update(file.read(SAMPLE_BYTES))
    return digest.digest()


def _forget_some(known: "dict[_Stamp, bytes] | dict[_Stamp, tuple[Path, ...]]") -> None:
    while len(known) >= _MOST_REMEMBERED:
        del known[next(iter(known))]
