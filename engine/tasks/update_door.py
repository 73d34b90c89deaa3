"""UpdateDoor: the part of the engine's door that asks whether there is a newer version of Hearth."""

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from engine.hub.addresses import host_of
from engine.releases import Release

if TYPE_CHECKING:
    from engine.hub.updates import ReleaseFeed


class UpdateDoor(ABC):
    """What new versions add to the door; `Engine` is one. It works while the engine is closed too."""

    @abstractmethod
    def _release_feed(self) -> "ReleaseFeed":
        """Asks."""

    @abstractmethod
    def update_url(self) -> str:
        """Where new versions are asked for: the setting, else what this Hearth was built with; empty for nowhere."""

    def update_host(self) -> str:
        """The host of that address; empty for none."""
        return host_of(self.update_url())

    async def latest_release(self) -> Release:
        """Ask once which version is the newest; nothing is sent but the question.

        Raises:
            OfflineError: Hearth is switched to offline.
            HubError: there is nowhere to ask, it cannot be asked, or it answers nonsense.
        """
        return await asyncio.to_thread(self._release_feed().latest)
