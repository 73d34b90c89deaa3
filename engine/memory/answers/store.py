"""AnswerStore: two tiers of answers, of which the first is quick and the second lasts."""

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.caching import CacheTier, CacheTierInfo
from engine.memory.answers.disk_tier import DiskTier
from engine.memory.answers.memory_tier import MemoryTier

log = logging.getLogger(__name__)

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and where it was."""

    value: bytes
    tier: CacheTier


class AnswerStore:
    """Values by key, in memory and on disk.

    What is taken from the disk is kept in memory as well. When another process forgets everything, this one forgets
    what it has in memory before it is asked the next time.

    Thread: one, but for `is_on`, `memory_info`, `disk_info`, `trouble` and `set_limits`, which any may use.

    Attributes:
        keep_s: seconds after which an answer is forgotten.
    """

    def __init__(self, folder: Path, memory_bytes: int, disk_bytes: int, days: int) -> None:
        """Make a closed one.

        Args:
            folder: where the second tier lies; nothing else may be in it.
            memory_bytes: most that the first tier may take.
            disk_bytes: most that the second tier may take.
            days: after which an answer is forgotten.
        """
        self.keep_s = days * DAY_S
        self._memory = MemoryTier(memory_bytes)
        self._disk = DiskTier(folder, disk_bytes, self.keep_s)
        self._mark = folder.with_name(f"{folder.name}.cleared")
        self._seen = self._look_at_mark()

    @property
    def is_on(self) -> bool:
        """Whether it keeps anything at all."""
        return bool(self._memory.limit_bytes or self._disk.limit_bytes)

    @property
    def trouble(self) -> str:
        """Why the disk is not used just now, in one sentence; empty if it is."""
        return self._disk.trouble

    def memory_info(self) -> CacheTierInfo:
        """The first tier."""
        tier = self._memory
        return CacheTierInfo(
            entries=len(tier), size_bytes=tier.size_bytes, limit_bytes=tier.limit_bytes, hits=tier.hits
        )

    def disk_info(self) -> CacheTierInfo:
        """The second tier, as it was last seen."""
        tier = self._disk
        return CacheTierInfo(
            entries=tier.entries, size_bytes=tier.size_bytes, limit_bytes=tier.limit_bytes, hits=tier.hits
        )

    def open(self) -> None:
        """Open the second tier, so that the first answer need not wait for that."""
        self._disk.open()

    def get(self, key: bytes) -> Found | None:
        """What is kept; None if nothing is."""
        self._forget_with_others()
        if (value := self._memory.get(key)) is not None:
            return Found(value, CacheTier.MEMORY)
        if (value := self._disk.get(key)) is not None:
            self._memory.put(key, value)
            return Found(value, CacheTier.DISK)
        return None

    def put(self, entries: Mapping[bytes, bytes]) -> None:
        """Keep values."""
        self._forget_with_others()
        for key, value in entries.items():
            self._memory.put(key, value)
        self._disk.put(entries)

    def clear(self) -> None:
        """Forget everything, and let other processes do the same."""
        self._memory.clear()
        self._disk.clear()
        try:
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                self._mark.unlink()  # a new file is told from an old one also where clocks are coarse
            self._mark.touch(0o600)
        except OSError as error:
            log.info("other processes cannot be told to forget answers: %s", error)
        self._seen = self._look_at_mark()

    def set_limits(self, memory_bytes: int, disk_bytes: int) -> None:
        """Take no more than this from now on; `fit` makes the second tier keep to it."""
        if memory_bytes != self._memory.limit_bytes:
            self._memory.set_limit(memory_bytes)
        self._disk.limit_bytes = disk_bytes

    def fit(self) -> None:
        """Make the second tier keep to its limit."""
        self._disk.fit()

    def close(self) -> None:
        """Close the second tier."""
        self._disk.close()

    def _forget_with_others(self) -> None:
        seen = self._look_at_mark()
        if seen != self._seen:
            self._seen = seen
            self._memory.clear()

    def _look_at_mark(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._mark)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
