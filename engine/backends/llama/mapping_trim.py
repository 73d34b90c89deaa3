"""MappingTrim: while weights are copied out of a file's mapping, gives back the pages that have been copied."""

import ctypes
import logging
import sys
from pathlib import Path
from typing import Final

from engine.backends.llama.paging.mappings import mapped_parts

log = logging.getLogger(__name__)

CAN_TRIM: Final = sys.platform == "linux"
"""Elsewhere such weights are read without a mapping, which takes no more memory, but longer."""
_EVERY: Final = 0.04  # of the file
_MADV_DONTNEED: Final = 4


class MappingTrim:
    """Takes the pages of a file out of this process, from time to time; whoever needs one gets it from the cache.

    Why: llama.cpp maps all of a file, and copies what the processor likes in another order, so that weights would be in
    memory twice until the model is closed.
    """

    def __init__(self, path: Path) -> None:
        """Make it for a file that is about to be mapped.

        Args:
            path: the file.
        """
        self._path = path
        self._done = 0.0
        self._libc = ctypes.CDLL(None)
        self._libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def advance(self, fraction: float) -> None:
        """Give back what was mapped, if the load has come somewhat further, or has ended."""
        if fraction < 1.0 and fraction - self._done < _EVERY:
            return
        self._done = fraction
        try:
            for start, end in mapped_parts(self._path):
                self._libc.madvise(start, end - start, _MADV_DONTNEED)
        except OSError as error:  # costs memory only
            log.info("the mapping of %s was not trimmed: %s", self._path.name, error)
