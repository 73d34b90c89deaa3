"""CacheDoor: the part of the engine's door that leads to the caches, and to what the engine may take."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.caching import CacheInfo, Limits
from engine.config import EngineConfig

if TYPE_CHECKING:
    from engine.scheduling.opening import Works
    from engine.tasks.answers import AnswerCache


class CacheDoor(ABC):
    """What caches add to the door; `Engine` is one.

    Attributes:
        config: what the engine was made with.
    """

    config: EngineConfig

    @abstractmethod
    def _answers(self) -> "AnswerCache":
        """The cache of answers; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _works(self) -> "Works":
        """What computes answers; raises `EngineClosedError` while the engine is closed."""

    def cache(self) -> CacheInfo:
        """Describe the caches; cheap, does not wait for the disk. Thread: any.

        Raises:
            EngineClosedError: it is not open.
        """
        answers, prefixes = self._answers(), self._works().prefixes
        return CacheInfo(
            memory=answers.memory_info(),
            disk=answers.disk_info(),
            prefixes=prefixes.info(),
            lookups=answers.desk.lookups,
            hits=answers.desk.hits,
            saved_s=answers.desk.saved_s,
            prefix_tokens=prefixes.saved_tokens,
            trouble=answers.desk.store.trouble,
        )

    async def clear_cache(self, *, answers: bool = True, prefixes: bool = True) -> None:
        """Forget what is kept, here and in other processes with the same data folder.

        Args:
            answers: all answers, in memory and on disk.
            prefixes: what models have read of prompts, on disk.

        Raises:
            EngineClosedError: it is not open.
        """
        kept, works = self._answers(), self._works()
        if answers:
            await kept.clear()
        if prefixes:
            await asyncio.to_thread(works.prefixes.clear)

    def limits(self) -> Limits:
        """What the engine may take now. Thread: any.

        Raises:
            EngineClosedError: it is not open.
        """
        answers, works = self._answers(), self._works()
        return Limits(
            memory_budget_bytes=works.residency.budget_bytes,
            cache_memory_bytes=answers.memory_info().limit_bytes,
            cache_disk_bytes=answers.disk_info().limit_bytes,
            prefix_disk_bytes=works.prefixes.info().limit_bytes,
        )

    def set_limits(self, limits: Limits) -> None:
        """Change what the engine may take, from now on until it is closed; what is too much leaves in a moment.

        Raises:
            ConfigError: a number makes no sense.
            EngineClosedError: it is not open.
        """
        replace(
            self.config,
            memory_budget_bytes=limits.memory_budget_bytes,
            cache_memory_bytes=limits.cache_memory_bytes,
            cache_disk_bytes=limits.cache_disk_bytes,
            prefix_disk_bytes=limits.prefix_disk_bytes,
        )  # for its checks
        answers, works = self._answers(), self._works()
        answers.set_limits(limits.cache_memory_bytes, limits.cache_disk_bytes)
        works.set_budget(limits.memory_budget_bytes)
        works.prefixes.set_limit(limits.prefix_disk_bytes)
