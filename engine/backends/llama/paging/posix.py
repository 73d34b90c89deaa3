"""Pages on Linux and macOS: private memory is laid over the mapping, and filled from the file past the system's cache.

Why private memory: what lies in the system's cache it drops as it sees fit, in the worst order for a walk in circles;
keeping it there needs a right that ordinary users do not have; and private memory is filled by the disk itself, without
a copy. On Linux a buffer's pages are moved from chunk to chunk (`mremap`), so that they need not be cleared each time.

Run on Linux. On macOS nothing of it was run; there buffers are made anew for every chunk, which is tested on Linux.
"""

import ctypes
import mmap
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from engine.models.page_plan import PAGE_BYTES, Span

_MAP_FIXED: Final = 0x10
_MADV_HUGEPAGE: Final = 14
_MREMAP_MAYMOVE, _MREMAP_FIXED, _MREMAP_DONTUNMAP = 1, 2, 4
_FAILED: Final = ctypes.c_void_p(-1).value
_F_NOCACHE: Final = 48  # macOS
_CAN_MOVE: Final = sys.platform == "linux"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
if sys.platform == "linux":
    _libc.mremap.restype = ctypes.c_void_p
    _libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p]


class PosixPages:
    """Memory of the mapped files of one model; see `Pages`."""

    def __init__(self, files: Sequence[Path], bases: Mapping[int, int], *, moves: bool = _CAN_MOVE) -> None:
        """Open the files.

        Args:
            files: of the model.
            bases: by number of the file, the address of its first byte.
            moves: move the memory of buffers rather than make it anew.

        Raises:
            OSError: a file cannot be opened.
        """
        self._bases = bases
        self._moves = moves
        self._sizes = [path.stat().st_size for path in files]
        self._cached: list[int] = []
        self._direct: list[int] = []
        try:
            for path in files:
                self._cached.append(os.open(path, os.O_RDONLY))
                self._direct.append(_open_direct(path))
        except BaseException:
            self.close()
            raise

    def empty(self, spans: Sequence[Span]) -> None:
        """Put empty memory at the place of spans."""
        for span in spans:
            address = self._overlay(span)
            if sys.platform == "linux":  # fewer faults, and fewer misses when weights are looked up; may be refused
                _libc.madvise(address, span.size_bytes, _MADV_HUGEPAGE)

    def pin(self, span: Span) -> None:
        """Let a part of an emptied span stay in memory from now on, with what is in the file.

        Read through the system's cache, because llama.cpp has just read the file, and forgotten by that at once, so
        that both copies are hardly ever there.
        """
        self._read(self._cached[span.file], self._address(span), span)
        _forget(self._cached[span.file], span)

    def move(self, source: Span | None, target: Span) -> None:
        """Let the memory of one chunk, or new memory, stand at another's place."""
        if source is None:
            return  # its place is empty memory already, which appears as it is written to
        if not self._moves:
            self._overlay(source)
            return
        flags = _MREMAP_MAYMOVE | _MREMAP_FIXED | _MREMAP_DONTUNMAP
        size = source.size_bytes
        _check(_libc.mremap(self._address(source), size, size, flags, self._address(target)))

    def fill(self, start: int, span: Span) -> None:
        """Read a part of a chunk from the file."""
        self._read(self._direct[span.file], self._address(span), span)

    def close(self) -> None:
        """Close the files."""
        for handle in (*self._cached, *self._direct):
            os.close(handle)
        self._cached, self._direct = [], []

    def _address(self, span: Span) -> int:
        return self._bases[span.file] + span.start

    def _overlay(self, span: Span) -> int:
        """Put new, empty memory at the place of a span."""
        address = self._address(span)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
        _check(_libc.mmap(address, span.size_bytes, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0))
        return address

    def _read(self, handle: int, address: int, span: Span) -> None:
        """Read a span of a file into memory."""
        memory = memoryview((ctypes.c_char * span.size_bytes).from_address(address)).cast("B")
        wanted = min(span.end, self._sizes[span.file]) - span.start  # the last page reaches beyond the file's end
        done = 0
        while done < wanted:
            count = os.preadv(handle, [memory[done:]], span.start + done)
            if not count:
                raise OSError(0, "the file has become shorter")
            done += count
            if done % PAGE_BYTES and done < wanted:
                done -= done % PAGE_BYTES  # reading past the cache goes on at whole pages


def _open_direct(path: Path) -> int:
    """Open a file to be read past the system's cache, where the file system can do that."""
    if sys.platform == "darwin":
        import fcntl

        handle = os.open(path, os.O_RDONLY)
        fcntl.fcntl(handle, _F_NOCACHE, 1)
        return handle
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return os.open(path, os.O_RDONLY)


def _forget(handle: int, span: Span) -> None:
    """Let the system's cache drop a span of a file."""
    if sys.platform == "linux":
        os.posix_fadvise(handle, span.start, span.size_bytes, os.POSIX_FADV_DONTNEED)


def _check(address: int | None) -> None:
    if address is None or address == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
