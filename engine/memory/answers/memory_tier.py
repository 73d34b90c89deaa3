"""MemoryTier: the answers that were used last, bounded in number and in bytes."""

import threading
from typing import Final

from cachetools import LRUCache

MOST_ENTRIES: Final = 1024
MOST_SHARE: Final = 1 / 32
"""An answer that takes more than this share of a tier would push too many others out for being one."""
_ENTRY_BYTES: Final = 400
"""What Python takes for an entry beside its value: the key, two objects, a place in two tables."""


class MemoryTier:
    """Answers in memory; those unused for longest make room.

    Thread: any.

    Attributes:
        hits: answers that were found.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Make an empty one.

        Args:
            limit_bytes: most that it may take; 0 keeps nothing.
        """
        self.hits = 0
        self._lock = threading.Lock()
        self._entries = _lru(limit_bytes)  # guarded by _lock

    @property
    def limit_bytes(self) -> int:
        """Most that it may take."""
        return int(self._entries.maxsize)

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return int(self._entries.currsize)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> bytes | None:
        """What is kept; None if nothing is."""
        with self._lock:
            value = self._entries.get(key)
            self.hits += value is not None
            return value

    def put(self, key: bytes, value: bytes) -> None:
        """Keep something, unless it is too large."""
        with self._lock:
            self._entries.pop(key, None)
            if _entry_bytes(value) <= MOST_SHARE * self._entries.maxsize:
                while len(self._entries) >= MOST_ENTRIES:
                    self._entries.popitem()
                self._entries[key] = value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def set_limit(self, limit_bytes: int) -> None:
        """Take no more than this from now on; what was used last stays."""
        with self._lock:
            old, self._entries = self._entries, _lru(limit_bytes)
            by_use = [old.popitem() for _ in range(len(old))]  # unused for longest first
            for key, value in by_use:
                if _entry_bytes(value) <= MOST_SHARE * limit_bytes:
                    self._entries[key] = value


def _lru(limit_bytes: int) -> "LRUCache[bytes, bytes]":
    return LRUCache(maxsize=limit_bytes, getsizeof=_entry_bytes)


def _entry_bytes(value: bytes) -> int:
    return len(value) + _ENTRY_BYTES
