"""PreferencesSource: what the page needs of an engine."""

from typing import Protocol

from engine import CacheInfo, EngineConfig, EngineSnapshot, HubState, Limits
from engine.hardware import HardwareSnapshot


class PreferencesSource(Protocol):
    """The limits and the caches of an engine. Errors are `EngineError`s with cause and remedy. Thread: any.

    Attributes:
        config: what it was made with.
    """

    config: EngineConfig

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

    def hub_state(self) -> HubState:
        """Whether the network may be used; cheap."""

    def set_offline(self, is_offline: bool) -> None:
        """Switch all use of the network off, or on again."""

    def set_download_limit(self, bytes_per_s: int) -> None:
        """Limit all downloads together; 0 sets no limit."""
