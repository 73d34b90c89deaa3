"""Pages on Windows: nothing can be laid over a view of a file there, so the view's own pages are locked and let go.

Nothing of this was run. What streams is brought in by `PrefetchVirtualMemory`, touched page by page so that no layer
has to wait in the middle, and given back by unlocking what was never locked, which takes it out of the working set.
"""

import ctypes
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from engine.models.page_plan import PAGE_BYTES, Span

_PIECE_BYTES: Final = 16 << 20
_COMMITTED: Final = 0x1000
_MAPPED: Final = 0x40000


class _Region(ctypes.Structure):
    """`MEMORY_BASIC_INFORMATION` of 64 bits."""

    _fields_ = (  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
        ("base", ctypes.c_void_p),
        ("allocation_base", ctypes.c_void_p),
        ("allocation_protection", ctypes.c_uint32),
        ("partition", ctypes.c_uint16),
        ("size", ctypes.c_size_t),
        ("state", ctypes.c_uint32),
        ("protection", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
    )


class _Range(ctypes.Structure):
    """`WIN32_MEMORY_RANGE_ENTRY`."""

    _fields_ = (("address", ctypes.c_void_p), ("size", ctypes.c_size_t))  # type: ignore[mutable-override]  # as above


class WindowsPages:
    """Memory of the mapped files of one model; see `Pages`."""

    def __init__(self, files: Sequence[Path], bases: Mapping[int, int]) -> None:
        """Get ready.

        Args:
            files: of the model.
            bases: by number of the file, the address of its first byte.
        """
        self._bases = bases
        self._sizes = [path.stat().st_size for path in files]
        self._kernel = _kernel()
        self._process = self._kernel.GetCurrentProcess()

    def empty(self, spans: Sequence[Span]) -> None:
        """Take spans out of the working set; what is pinned comes back."""
        for span in spans:
            self._let_go(span)

    def pin(self, span: Span) -> None:
        """Lock a span; the working set has to be allowed to grow by it first."""
        least, most = ctypes.c_size_t(), ctypes.c_size_t()
        self._kernel.GetProcessWorkingSetSize(self._process, ctypes.byref(least), ctypes.byref(most))
        self._kernel.SetProcessWorkingSetSize(
            self._process, least.value + span.size_bytes, max(most.value, least.value) + 2 * span.size_bytes
        )
        if not self._kernel.VirtualLock(self._address(span), self._inside(span)):
            raise OSError(0, f"Windows keeps no more in memory (error {_last_error()})")

    def move(self, source: Span | None, target: Span) -> None:
        """Let a chunk go; there is no memory of its own that could stand elsewhere."""
        del target
        if source is not None:
            self._let_go(source)

    def fill(self, start: int, span: Span) -> None:
        """Bring a part of a chunk into the working set."""
        del start
        ranges = _Range(self._address(span), self._inside(span))
        self._kernel.PrefetchVirtualMemory(self._process, ctypes.c_size_t(1), ctypes.byref(ranges), 0)
        memory = (ctypes.c_char * self._inside(span)).from_address(self._address(span))
        bytes(memoryview(memory)[::PAGE_BYTES])

    def close(self) -> None:
        """Do nothing: unmapping the file unlocks it."""

    def _let_go(self, span: Span) -> None:
        for start in range(span.start, span.end, _PIECE_BYTES):
            piece = Span(span.file, start, min(start + _PIECE_BYTES, span.end))
            self._kernel.VirtualUnlock(self._address(piece), self._inside(piece))

    def _address(self, span: Span) -> int:
        return self._bases[span.file] + span.start

    def _inside(self, span: Span) -> int:
        """Size of what the file really has of a span, whose last page reaches beyond its end."""
        return min(span.end, self._sizes[span.file]) - span.start


def mapped_views(path: Path) -> frozenset[int]:
    """Addresses at which a file is mapped from its first byte on, as llama.cpp does.

    Raises:
        OSError: the file cannot be read.
    """
    kernel, found = _kernel(), set()
    wanted = os.path.splitdrive(path.resolve())[1].casefold()
    region, address = _Region(), 0
    name = ctypes.create_unicode_buffer(32_768)
    process = kernel.GetCurrentProcess()
    while kernel.VirtualQuery(ctypes.c_void_p(address), ctypes.byref(region), ctypes.sizeof(region)):
        is_view = region.state == _COMMITTED and region.type == _MAPPED and region.base == region.allocation_base
        length = kernel.K32GetMappedFileNameW(process, ctypes.c_void_p(address), name, len(name)) if is_view else 0
        if length and name.value.casefold().endswith(wanted):  # it begins with a device instead of the drive's letter
            found.add(address)
        address += max(region.size, mmap.PAGESIZE)
    return frozenset(found)


def _kernel() -> Any:
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    for function, arguments in (
        (kernel.VirtualLock, [ctypes.c_void_p, ctypes.c_size_t]),
        (kernel.VirtualUnlock, [ctypes.c_void_p, ctypes.c_size_t]),
        (kernel.SetProcessWorkingSetSize, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]),
        (kernel.GetProcessWorkingSetSize, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
        (kernel.PrefetchVirtualMemory, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_uint32]),
        (kernel.VirtualQuery, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]),
        (kernel.K32GetMappedFileNameW, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32]),
    ):
        function.argtypes = arguments
    kernel.VirtualQuery.restype = ctypes.c_size_t
    return kernel


def _last_error() -> int:
    return int(ctypes.get_last_error())  # type: ignore[attr-defined,unused-ignore]
