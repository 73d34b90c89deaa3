"""HubDoor: the part of the engine's door that finds and fetches models."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from engine.finds import HubCard, HubModel, HubQuery, HubState

if TYPE_CHECKING:
    from engine.hub.order import Order
    from engine.jobs import JobControl
    from engine.tasks.hub_desk import HubDesk


class HubDoor(ABC):
    """What the hub adds to the door; `Engine` is one. All of it works while the engine is closed too."""

    @abstractmethod
    def _hub_desk(self) -> "HubDesk":
        """Does it."""

    def catalogue(self) -> tuple[HubModel, ...]:
        """The models that Hearth recommends, with what fits this machine; needs no network."""
        return self._hub_desk().catalogue()

    def hub_state(self) -> HubState:
        """Whether the hub may be used, and how; microseconds."""
        return self._hub_desk().state()

    async def search_models(self, query: HubQuery) -> tuple[HubModel, ...]:
        """Search the hub.

        Raises:
            OfflineError: Hearth is switched to offline.
            HubError: the hub cannot be asked.
        """
        return await asyncio.to_thread(self._hub_desk().search, query)

    async def hub_card(self, repo: str) -> HubCard:
        """A model of the hub with its files, its card and its licence.

        Raises:
            OfflineError: Hearth is switched to offline.
            HubError: it is not there, needs a token, or the hub cannot be asked.
        """
        return await asyncio.to_thread(self._hub_desk().card, repo)

    async def download_model(self, repo: str, file: str = "", revision: str = "") -> int:
        """Begin to fetch a model; returns the job.

        Args:
            repo: `owner/name`.
            file: which of its files; empty takes the recommended one.
            revision: commit or branch; empty takes the newest.

        Raises:
            OfflineError: Hearth is switched to offline.
            HubError: it is not there, needs a token, the hub cannot be asked, or the disk is too full.
            JobError: work in the background cannot be done.
        """
        return await asyncio.to_thread(self._hub_desk().download, repo, file, revision)

    def order_model(self, repo: str, file: str = "", revision: str = "") -> "Order":
        """Find out all that a download would do, and check that it can; for a program that asks its user first.

        Args:
            repo: `owner/name`.
            file: which of its files, or a quantization; empty takes the recommended one.
            revision: commit or branch; empty takes the newest.

        Raises:
            OfflineError: Hearth is switched to offline.
            HubError: it is not there, needs a token, the hub cannot be asked, or the disk is too full.
        """
        return self._hub_desk().order(repo, file, revision)

    def fetch_now(self, order: "Order", control: "JobControl") -> Path:
        """Fetch a model without a job, for a program that waits for it; returns its file.

        Args:
            order: of `order_model`.
            control: hears how far it is, and can stop it; what was fetched by then is kept, and gone on with later.

        Raises:
            HubError: it failed; says why.
            JobStopped: it was asked to end.
        """
        return Path(self._hub_desk().work().run(order.spec, control))

    def set_hub_token(self, token: str) -> None:
        """Keep a token for gated models in the system's keyring; an empty one forgets it.

        Raises:
            HubError: there is nowhere to keep it.
        """
        self._hub_desk().set_token(token)

    def set_offline(self, is_offline: bool) -> None:
        """Switch all use of the network off, or on again, until the engine is made anew; downloads stop at once."""
        self._hub_desk().set_offline(is_offline)

    def set_download_limit(self, bytes_per_s: int) -> None:
        """Limit all downloads together, those that run as well; 0 sets no limit."""
        self._hub_desk().set_limit(bytes_per_s)
