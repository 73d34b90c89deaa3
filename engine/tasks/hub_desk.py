"""HubDesk: finds models that are not here yet, says whether they fit, and fetches them."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.background import JobKind
from engine.cards import Arrival
from engine.config import EngineConfig
from engine.finds import HubCard, HubModel, HubQuery, HubState
from engine.footprint import Fit
from engine.hub.addresses import host_of
from engine.hub.catalogue import Catalogue
from engine.hub.judge import Judge
from engine.hub.order import free_bytes
from engine.hub.token_store import TokenStore
from engine.hub.transfer import DownloadWork, Network, Throttle, TransferSettings
from engine.jobs import Spec, Work
from engine.models.page_plan import WeightLayout
from engine.models.shape import ModelShape
from engine.portable import is_portable
from engine.types import ModelInfo
from resources import catalogue_file

if TYPE_CHECKING:
    from engine.hub.hub import Hub
    from engine.hub.order import Order
    from engine.scheduling.fitting import FitCheck, Rooms

_JUDGED_S: Final = 10.0
_ROOMS_S: Final = 1.0
_LOOK_S: Final = 60.0
_LARGE_BYTES: Final = 64 << 20
"""A smaller file says little about a disk."""
_MOST_FILES: Final = 10_000


class HubDesk:
    """Finds and fetches models.

    Thread: any; what asks the hub blocks.

    Attributes:
        network: whether it may be used; one switch for all that does.
    """

    def __init__(
        self,
        config: EngineConfig,
        fit_check: "Callable[[], FitCheck]",
        arrived: Callable[[Path, Arrival], None],
        add_job: Callable[[JobKind, str, Spec], int],
    ) -> None:
        """Make one that has asked nothing yet.

        Args:
            config: where the hub is, and how it is reached.
            fit_check: gives what says whether models fit.
            arrived: told of each model that has come.
            add_job: begins a job in the background.
        """
        self._config = config
        self._fit_check = fit_check
        self._add_job = add_job
        self._arrived = arrived
        self.network = Network(is_offline=config.offline)
        self._throttle = Throttle(config.download_bytes_per_s)
        self._is_portable = is_portable(config.home)
        self._tokens = TokenStore(config.home, host_of(config.hub_url), is_portable=self._is_portable)
        self._judge = Judge(self._brief, self.folder)
        self._judging = threading.Lock()
        self._judged: tuple[HubModel, ...] | None = None  # guarded by _judging
        self._judged_at_s = 0.0  # guarded by _judging
        self._looking = threading.Lock()
        self._check: tuple[FitCheck, Rooms] | None = None  # guarded by _looking
        self._checked_at_s = 0.0  # guarded by _looking
        self._large: Path | None = None  # guarded by _looking
        self._looked_at_s = 0.0  # guarded by _looking

    @property
    def folder(self) -> Path:
        """Where models go to."""
        return self._config.home / "models"

    def works(self) -> Mapping[JobKind, Work]:
        """What jobs of this desk do."""
        return {JobKind.DOWNLOAD: self.work()}

    def work(self) -> DownloadWork:
        """What fetches models."""
        settings = TransferSettings(proxy=self._config.proxy, token=self._token_for)
        return DownloadWork(self.folder, settings, self._throttle, self.network, self._arrived)

    def catalogue(self) -> tuple[HubModel, ...]:
        """See `HubDoor.catalogue`; what fits is as it was a few seconds ago."""
        with self._judging:
            if self._judged is None or time.monotonic() - self._judged_at_s > _JUDGED_S:
                self._judged, self._judged_at_s = self._catalogue.judged(self._judge), time.monotonic()
            return self._judged

    def search(self, query: HubQuery) -> tuple[HubModel, ...]:
        """See `HubDoor.search_models`."""
        self.network.check()
        return self._hub.search(query)

    def card(self, repo: str) -> HubCard:
        """See `HubDoor.hub_card`."""
        self.network.check()
        return self._hub.card(repo)

    def order(self, repo: str, file: str = "", revision: str = "") -> "Order":
        """See `HubDoor.order_model`."""
        self.network.check()
        return self._hub.order(repo, file, revision)

    def download(self, repo: str, file: str = "", revision: str = "") -> int:
        """See `HubDoor.download_model`."""
        order = self.order(repo, file, revision)
        subject = f"{order.model.repo}/{order.file.name}"
        return self._add_job(JobKind.DOWNLOAD, order.title, {**order.spec, "subject": subject})

    def state(self) -> HubState:
        """See `HubDoor.hub_state`."""
        kept_in = self._tokens.kept_in()
        return HubState(
            is_offline=self.network.is_offline,
            url=self._config.hub_url,
            proxy=self._config.proxy,
            has_token=bool(kept_in),
            token_kept_in=kept_in,
            is_portable=self._is_portable,
            bytes_per_s=self._throttle.limit,
            free_bytes=free_bytes(self.folder),
        )

    def set_offline(self, is_offline: bool) -> None:
        """See `HubDoor.set_offline`."""
        self.network.set_offline(is_offline)

    def set_limit(self, bytes_per_s: int) -> None:
        """See `HubDoor.set_download_limit`."""
        self._throttle.set_limit(bytes_per_s)

    def set_token(self, token: str) -> None:
        """See `HubDoor.set_hub_token`."""
        self._tokens.keep(token)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(catalogue_file())

    @cached_property
    def _hub(self) -> "Hub":
        from engine.hub.hub import Hub, HubPlace  # only who asks it waits for what asking needs

        place = HubPlace(
            url=self._config.hub_url,
            proxy=self._config.proxy,
            network=self.network,
            token=self._tokens.get,
            cache=self._config.cache_dir / "hub",
            models=self.folder,
        )
        return Hub(place, self._catalogue, self._judge)

    def _token_for(self, host: str) -> str:
        return self._hub.token_for(host)

    def _brief(
        self, info: ModelInfo, shape: ModelShape, layout: WeightLayout | None, wants_speed: bool
    ) -> tuple[Fit, float | None]:
        """Whether a model fits into what there was a second ago; a search asks for hundreds."""
        now_s = time.monotonic()
        with self._looking:
            if self._check is None or now_s - self._checked_at_s > _ROOMS_S:
                check = self._fit_check()
                self._check, self._checked_at_s = (check, check.rooms(info)), now_s
            check, rooms = self._check
        return check.brief(info, shape, layout, rooms, self._large_file() if wants_speed else None)

    def _large_file(self) -> Path:
        """A file on the disk that models go to, large enough to tell how fast it reads; else one that is not there."""
        now_s = time.monotonic()
        with self._looking:
            if self._large is None or now_s - self._looked_at_s > _LOOK_S:
                self._large, self._looked_at_s = _largest(self.folder), now_s
            return self._large


def _largest(folder: Path) -> Path:
    found = folder / "none"
    size = _LARGE_BYTES - 1
    for path in itertools.islice(folder.glob("**/*.gguf"), _MOST_FILES):
        with suppress(OSError):  # gone meanwhile
            found, size = max((found, size), (path, path.stat().st_size), key=lambda it: it[1])
    return found
