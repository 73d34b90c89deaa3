"""How fast the disk that holds a model reads, measured on the model's own file, past the system's cache."""

import ctypes
import mmap
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.models.page_plan import PIECE_BYTES, READERS

SAMPLE_BYTES: Final = 256 << 20
"""Read at most; a fifth of a second on a good disk."""
_HUGE_PAGE_BYTES: Final = 2 << 20

_lock = threading.Lock()
_known: dict[int, float] = {}  # by device number of the disk; guarded by _lock


def disk_bytes_per_s(path: Path) -> float:
    """How fast the disk of this file reads; measured once per disk and process.

    Raises:
        ModelFileError: the file cannot be read, or is empty.
    """
    try:
        disk = path.stat().st_dev
        with _lock:  # two measurements at once would halve each other
            if disk not in _known:
                _known[disk] = measured_bytes_per_s(path)
            return _known[disk]
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.", "Check the disk.") from error


def measured_bytes_per_s(path: Path, most_bytes: int = SAMPLE_BYTES) -> float:
    """Read a part of a file, past the cache where the system allows it.

    Raises:
        OSError: it cannot be read, or is empty.
    """
    size = min(most_bytes, path.stat().st_size)
    if not size:
        raise OSError(0, "it is empty")
    return size / reading_s(path, [(0, size)])


def reading_s(path: Path, ranges: Sequence[tuple[int, int]]) -> float:
    """Seconds in which the disk reads ranges of a file, in their order, past the cache where the system allows it.

    Args:
        path: the file.
        ranges: bytes from, up to; they begin at whole pages.

    Raises:
        OSError: it cannot be read.
    """
    handle = _open_uncached(path)
    try:
        pieces = iter(
            [
                (start, min(PIECE_BYTES, end - start))
                for first, end in ranges
                for start in range(first, end, PIECE_BYTES)
            ]
        )
        lock = threading.Lock()

        def read() -> None:
            with _buffer() as (buffer, first):
                while (piece := _next(pieces, lock)) is not None:
                    _read_at(handle, buffer, first, *piece)

        began_s = time.perf_counter()
        with ThreadPoolExecutor(READERS, thread_name_prefix="hearth-disk") as pool:
            for future in [pool.submit(read) for _ in range(READERS)]:
                future.result()
        return max(1e-9, time.perf_counter() - began_s)
    finally:
        os.close(handle)


def _next(pieces: Iterator[tuple[int, int]], lock: threading.Lock) -> tuple[int, int] | None:
    with lock:
        return next(pieces, None)


def _open_uncached(path: Path) -> int:
    direct = getattr(os, "O_DIRECT", 0)
    try:
        return os.open(path, os.O_RDONLY | direct)
    except OSError:
        if not direct:
            raise
        return os.open(path, os.O_RDONLY)  # a file system in memory, say


@contextmanager
def _buffer() -> Iterator[tuple[mmap.mmap, int]]:
    """Memory for a piece, and where in it that begins: at a huge page, which the disk fills in fewer strokes.

    Reading past the cache into small pages was a third slower; what streams while a model runs has huge ones as well.
    """
    size = PIECE_BYTES + _HUGE_PAGE_BYTES
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    with mmap.mmap(-1, size, **private) as buffer:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            buffer.madvise(mmap.MADV_HUGEPAGE)
        first = ctypes.c_char.from_buffer(buffer)
        address = ctypes.addressof(first)
        del first  # or the memory could not be given back
        yield buffer, -address % _HUGE_PAGE_BYTES


def _read_at(handle: int, buffer: mmap.mmap, first: int, start: int, size: int) -> int:
    # Past the cache only whole pages are read, so the file's last piece is asked for with more than there is.
    with memoryview(buffer) as whole, whole[first : first - (-size // mmap.PAGESIZE) * mmap.PAGESIZE] as view:
        if hasattr(os, "preadv"):
            return os.preadv(handle, [view], start)
        with os.fdopen(os.dup(handle), "rb", buffering=0) as file:
            file.seek(start)
            return int(file.readinto(view) or 0)
