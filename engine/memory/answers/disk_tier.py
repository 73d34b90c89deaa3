"""DiskTier: answers on disk, bounded in bytes and in time, which never fail an answer.

What can go wrong, and what then happens: a value that is not what was written is a miss; a damaged database is set
aside and begun anew; on a full disk the tier switches itself off, and when there is room again its folder is dropped
and begun anew, because a full database cannot even be emptied. Several processes may share one.
"""

import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from engine.memory.answers import files
from engine.memory.answers.faults import Fault, fault_of
from engine.memory.answers.memory_tier import MOST_SHARE
from engine.memory.answers.schema import check_schema, settings_for

if TYPE_CHECKING:
    from diskcache import Cache

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_S: Final = 30.0
"""How long it stays off before it is tried again."""
LEAST_BYTES: Final = 1 << 20
"""With less than this it is not worth having, and a database needs some pages to be one."""
FREE_SHARE: Final = 1 / 4
"""Of what the disk has free, most that it takes, whatever its limit is."""
BUSY_S: Final = 0.1
"""Longest wait for another process; then nothing is taken or kept this once."""
_WAIT_S: Final = 1.0  # how long a database that another process holds is left alone
_LOOK_S: Final = 30.0  # how often it asks how much the disk has free
_DIGEST_BYTES: Final = 16


class DiskTier:
    """Answers on disk; those stored longest ago make room.

    Nothing here raises, and nothing waits for long.

    Thread: one, but for the attributes, which any may read.

    Attributes:
        limit_bytes: most that it may take; 0 keeps nothing. Any thread may change it; `fit` makes it keep to it.
        entries: in it, as far as it was last seen.
        size_bytes: what they take, as it was last seen.
        hits: answers that were found.
        trouble: why it is not used just now, in one sentence; empty if it is.
    """

    def __init__(self, folder: Path, limit_bytes: int, keep_s: float, retry_s: float = RETRY_S) -> None:
        """Make a closed one; the folder is made when it is first used.

        Args:
            folder: where it lies; nothing else may be in it.
            limit_bytes: most that it may take.
            keep_s: seconds after which an answer is forgotten.
            retry_s: how long it stays off before it is tried again.
        """
        self.limit_bytes = limit_bytes
        self.entries = self.size_bytes = self.hits = 0
        self.trouble = ""
        self._folder = folder
        self._keep_s = keep_s
        self._retry_s = retry_s
        self._cache: Cache | None = None
        self._identity: files.Identity | None = None  # of the database that is open
        self._tried_s = -retry_s  # when it was switched off
        self._looked_s = 0.0
        self._busy_until_s = 0.0  # somebody else holds it, and it is not opened before this

    def open(self) -> None:
        """Open it, so that the first answer need not wait for that."""
        self._use(lambda _cache: None, None)

    def get(self, key: bytes) -> bytes | None:
        """What is kept; None if nothing is, or what is there is not what was written."""
        found = self._use(lambda cache: self._read(cache, key), None)
        self.hits += found is not None
        return found

    def put(self, entries: Mapping[bytes, bytes]) -> bool:
        """Keep values, all or none, but for those that are too large; returns whether they are safe from a kill."""
        most = MOST_SHARE * self.limit_bytes
        rows = [(key, _sealed(key, value)) for key, value in entries.items() if len(value) <= most]
        return bool(rows) and self._use(lambda cache: self._write(cache, rows), False)

    def clear(self) -> None:
        """Forget everything."""
        self._close()
        try:
            files.drop(self._folder)
        except OSError as error:  # Windows renames no folder whose files another process has open
            log.info("%s could not be dropped, and is emptied: %s", self._folder.name, error)
            self._use(lambda cache: cache.clear(), 0)
            self._close()
        self.entries = self.size_bytes = 0
        self.open()

    def fit(self) -> None:
        """Keep to the limit, which may be another than it was; without room for anything, forget everything."""
        self._close()  # it is opened with what is allowed now, and its files get smaller when it is closed
        if self.limit_bytes < LEAST_BYTES:
            self.clear()
        else:
            self.open()
            self._close()
            self.open()

    def close(self) -> None:
        """Close the database."""
        self._close()

    def _read(self, cache: "Cache", key: bytes) -> bytes | None:
        from engine.memory.answers.raw_disk import RowRefusedError

        try:
            row = cache.get(key)
        except RowRefusedError as error:
            log.warning("An answer on disk was refused: %s.", error)
            cache.delete(key)
            return None
        if row is None:
            return None
        value = _opened(key, row)
        if value is None:
            log.warning("An answer on disk was damaged, and is computed anew.")
            cache.delete(key)
        return value

    def _write(self, cache: "Cache", rows: Sequence[tuple[bytes, bytes]]) -> bool:
        with cache.transact():
            for key, row in rows:
                cache.set(key, row, expire=self._keep_s)
        self._shrink(cache)
        return True

    def _shrink(self, cache: "Cache") -> bool:
        """Make room until it is within its limit; says whether it had to."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            cache.reset("size_limit", self._allowed())
        is_over = cache.volume() > cache.size_limit
        if is_over:
            cache.cull()
        self.entries, self.size_bytes = len(cache), cache.volume()
        return bool(is_over)

    def _allowed(self) -> int:
        """Bytes that the database itself may have; its journal and the newest entry need the rest."""
        room = FREE_SHARE * (files.free_bytes(self._folder) + files.size_bytes(self._folder))
        return int(min(self.limit_bytes, room) * 3 / 4)

    def _use(self, work: "Callable[[Cache], T]", otherwise: T) -> T:
        """Do something with the database; what is wrong with it is put right, or it is switched off for a while."""
        for _ in range(2):  # a store that was set aside is begun anew, once
            try:
                cache = self._opened()
                return otherwise if cache is None else work(cache)
            except Exception as error:  # noqa: BLE001 - whatever a database does, the answer is not to suffer
                if not self._mend(error):
                    return otherwise
        return otherwise

    def _opened(self) -> "Cache | None":
        if self.limit_bytes < LEAST_BYTES:
            return None
        if self._cache is not None and files.identity(self._folder) == self._identity:
            return self._cache
        self._close()  # if it was open, somebody has deleted it, or set it aside
        if time.monotonic() < self._busy_until_s:
            return None
        if self.trouble:
            if time.monotonic() - self._tried_s < self._retry_s:
                return None
            self._tried_s = time.monotonic()
            if files.free_bytes(self._folder) + files.size_bytes(self._folder) < LEAST_BYTES / FREE_SHARE:
                return None
            files.drop(self._folder)
        self._cache = self._make()
        self._identity = files.identity(self._folder)
        self._looked_s = 0.0
        self._shrink(self._cache)
        self.trouble = ""
        return self._cache

    def _make(self) -> "Cache":
        from diskcache import Cache  # takes a moment, and a cache that is off needs none of it

        from engine.memory.answers.raw_disk import RawDisk

        files.remove_dropped(self._folder)
        files.prepare(self._folder)
        check_schema(self._folder / files.DATABASE, BUSY_S)
        allowed = self._allowed()
        if allowed < LEAST_BYTES / 2:
            raise OSError(28, "there is no room for it")
        cache = Cache(str(self._folder), timeout=BUSY_S, disk=RawDisk, **settings_for(allowed))
        cache.get(bytes(32))  # a table of another shape is noticed now
        return cache

    def _mend(self, error: Exception) -> bool:
        """Do what an error calls for; says whether to try again."""
        fault = self._fault(error)
        if fault is Fault.BUSY:
            if self._cache is None:
                self._busy_until_s = time.monotonic() + _WAIT_S
            return False
        self._close()
        if fault is Fault.DAMAGED:
            try:
                aside = files.set_aside(self._folder)
            except OSError as refusal:
                return self._switch_off(f"The answers on disk are damaged and cannot be set aside: {refusal.strerror}.")
            log.warning("The answers on disk were damaged (%s), and are in %s now.", error, aside.name)
            self.entries = self.size_bytes = 0
            return True
        if fault is Fault.NO_ROOM:
            return self._switch_off("The disk is full, so answers are kept in memory only.")
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        return self._switch_off(f"Answers cannot be kept on disk: {reason}.")

    def _fault(self, error: Exception) -> Fault:
        from diskcache import Timeout

        if not isinstance(error, Timeout):
            return fault_of(error)
        try:  # the library calls a full disk a timeout as well, when it happens at the beginning of a change
            return Fault.NO_ROOM if files.free_bytes(self._folder) < LEAST_BYTES else Fault.BUSY
        except OSError:
            return Fault.BUSY

    def _switch_off(self, sentence: str) -> bool:
        if not self.trouble:
            log.warning("%s", sentence)
        self.trouble = sentence
        self._tried_s = time.monotonic()
        return False

    def _close(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            try:
                cache.close()
            except sqlite3.Error as error:
                log.info("the answers on disk did not close: %s", error)


def _sealed(key: bytes, value: bytes) -> bytes:
    """A value with what tells whether it is still the same, and still that of its key."""
    return _digest(key, value) + value


def _opened(key: bytes, row: bytes) -> bytes | None:
    value = row[_DIGEST_BYTES:]
    return value if row[:_DIGEST_BYTES] == _digest(key, value) else None


def _digest(key: bytes, value: Any) -> bytes:
    return hashlib.blake2b(value, digest_size=_DIGEST_BYTES, key=key[:64]).digest()
