"""PreferencesSource: what the page needs of an engine."""

from typing import Protocol

from engine import CacheInfo, EngineSnapshot, Limits
from engine.hardware import HardwareSnapshot


class PreferencesSource(Protocol):
    """The limits and the caches of an engine. Errors are `EngineError`s with cause and remedy. Thread: any."""

    def limits(self) -> Limits:
        """What it may take now."""

    def set_limits(self, limits: Limits) -> None:
        """Let it take more or less from now on; may wait for a disk."""

    def cache(self) -> CacheInfo:
        """What is kept, as plain numbers; cheap enough for once a second."""

    async def clear_cache(self, *, answers: bool = True, prefixes: bool = True) -> None:
        """Delete what is kept."""

    def snapshot(self) -> EngineSnapshot:
        """The models in memory, among others; cheap."""

    def hardware(self) -> HardwareSnapshot:
        """The memory of the machine, among others; cheap."""
