"""Host: what the page needs of `engine.plugins`."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine import PluginInfo, Values


class Host(Protocol):
    """The plugins of an engine. Coroutines raise `PluginError` with cause and remedy."""

    @property
    def is_safe(self) -> bool:
        """Whether Hearth was started without strangers' plugins."""

    @property
    def crashed(self) -> tuple[str, ...]:
        """Ids of the plugins that were running when Hearth ended unexpectedly; they wait for a decision."""

    def snapshot(self) -> tuple[PluginInfo, ...]:
        """All plugins that were found; cheap, from any thread."""

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, from any thread, when the snapshot is another; returns what takes it off."""

    async def enable(self, plugin: str, digest: str = "") -> None:
        """Let a plugin run; `digest` is that of the files that were consented to."""

    async def disable(self, plugin: str) -> None:
        """Stop a plugin and leave it out."""

    async def reload(self, plugin: str) -> None:
        """Start a plugin anew from its files."""

    async def remove(self, plugin: str) -> None:
        """Delete a plugin's files."""

    async def set_settings(self, plugin: str, values: Values) -> None:
        """Change a plugin's settings, which reloads it."""

    async def install(self, path: Path) -> PluginInfo:
        """Copy a folder or a zip to the user's plugins; it runs after consent."""
