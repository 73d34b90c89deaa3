"""Where in this process's memory a file is mapped: asked before and after llama.cpp opens it."""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MAPS: Final = Path("/proc/self/maps")


def mapped_at(path: Path) -> frozenset[int]:
    """Addresses at which the first byte of a file is, or would be if the beginning were mapped too.

    Raises:
        OSError: the file, or the list, cannot be read.
    """
    if sys.platform == "win32":
        from engine.backends.llama.paging.windows import mapped_views

        return mapped_views(path)
    return frozenset(_macos(path) if sys.platform == "darwin" else _linux(path))


def mapped_parts(path: Path) -> list[tuple[int, int]]:
    """Where the parts of a file are that are mapped now: addresses of their beginnings and ends. Linux only.

    Raises:
        OSError: the file, or the list, cannot be read.
    """
    return [(start, end) for start, end, _ in _mapped_on_linux(path)]


def _linux(path: Path) -> Iterator[int]:
    return (start - offset for start, _, offset in _mapped_on_linux(path))


def _mapped_on_linux(path: Path) -> Iterator[tuple[int, int, int]]:
    """Beginning, end and offset in the file of every part of it that is mapped."""
    stat = os.stat(path)
    disk = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}"
    with _MAPS.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            addresses, _, offset, device, inode, *_ = line.split(maxsplit=5)
            if int(inode) == stat.st_ino and device == disk:
                start, _, end = addresses.partition("-")
                yield int(start, 16), int(end, 16), int(offset, 16)


def _macos(path: Path) -> Iterator[int]:  # not run
    """`proc_pidinfo` with PROC_PIDREGIONPATHINFO walks the regions and names the file behind each."""
    library = ctypes.CDLL("/usr/lib/libproc.dylib")
    wanted = os.stat(path)
    info = ctypes.create_string_buffer(4096)
    address, region_path_info, read_only = 0, 8, 1
    while library.proc_pidinfo(os.getpid(), region_path_info, ctypes.c_uint64(address), info, 1248) > 0:
        # struct proc_regioninfo: protection at 0, offset at 16, address at 80, size at 88; vnode stat from 96
        protection = int.from_bytes(info.raw[0:4], sys.byteorder)
        offset = int.from_bytes(info.raw[16:24], sys.byteorder)
        start = int.from_bytes(info.raw[80:88], sys.byteorder)
        size = int.from_bytes(info.raw[88:96], sys.byteorder)
        inode = int.from_bytes(info.raw[104:112], sys.byteorder)
        if inode == wanted.st_ino and protection & read_only:
            yield start - offset
        address = start + max(size, 1)
