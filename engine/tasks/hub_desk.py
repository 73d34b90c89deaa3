"""HubDesk: finds models that are not here yet, says whether they fit, and fetches them."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.background import JobKind
from engine.cards import Arrival
from engine.config import EngineConfig
from engine.errors import HubError
from engine.finds import HubCard, HubFile, HubModel, HubQuery, HubState
from engine.footprint import FitVerdict
from engine.hub.cards import HubCards
from engine.hub.catalogue import Catalogue
from engine.hub.connection import HubConnection, file_path, host_of
from engine.hub.judge import Judge
from engine.hub.order import by_quantization, check_room, chosen, free_bytes, is_here, remote_files, target_of
from engine.hub.remote_header import RemoteHeaders
from engine.hub.search import HubSearch
from engine.hub.token_store import TokenStore
from engine.hub.transfer import DownloadWork, Network, Throttle, TransferSettings, download_spec
from engine.jobs import Spec, Work
from engine.models.page_plan import WeightLayout
from engine.models.shape import ModelShape
from engine.types import ModelInfo
from resources import catalogue_file, models_dir

if TYPE_CHECKING:
    from engine.scheduling.fitting import FitCheck

_JUDGED_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """A download that can begin.

    Attributes:
        model: with the commit that its files are of.
        file: that is wanted.
        title: of the job.
        spec: of the job.
    """

    model: HubModel
    file: HubFile
    title: str
    spec: Spec


class HubDesk:
    """Finds and fetches models.

    Thread: any; what asks the hub blocks.
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
        self._network = Network(is_offline=config.offline)
        self._throttle = Throttle(config.download_bytes_per_s)
        self._tokens = TokenStore(config.home, host_of(config.hub_url))
        self._connection = HubConnection(config.hub_url, config.proxy, self._network, self._tokens.get)
        self._judge = Judge(self._verdict, self.folder)
        self._judging = threading.Lock()
        self._judged: tuple[HubModel, ...] | None = None  # guarded by _judging
        self._judged_at_s = 0.0  # guarded by _judging

    @property
    def folder(self) -> Path:
        """Where models go to."""
        return self._config.home / "models"

    def works(self) -> Mapping[JobKind, Work]:
        """What jobs of this desk do."""
        return {JobKind.DOWNLOAD: self.work()}

    def work(self) -> DownloadWork:
        """What fetches models."""
        settings = TransferSettings(proxy=self._config.proxy, token=self._connection.token_for)
        return DownloadWork(self.folder, settings, self._throttle, self._network, self._arrived)

    def catalogue(self) -> tuple[HubModel, ...]:
        """See `HubDoor.catalogue`; what fits is as it was a few seconds ago."""
        with self._judging:
            if self._judged is None or time.monotonic() - self._judged_at_s > _JUDGED_S:
                self._judged, self._judged_at_s = self._catalogue.judged(self._judge), time.monotonic()
            return self._judged

    def search(self, query: HubQuery) -> tuple[HubModel, ...]:
        """See `HubDoor.search_models`."""
        self._network.check()
        return HubSearch(self._connection, self._catalogue.tasks, self._judge).find(query)

    def card(self, repo: str) -> HubCard:
        """See `HubDoor.hub_card`."""
        self._network.check()
        return self._cards.card(repo)

    def order(self, repo: str, file: str = "", revision: str = "") -> Order:
        """What is to be fetched of a model, checked: that it is there, may be had, has room, and is not here yet.

        Args:
            repo: `owner/name`.
            file: which of its files, or its quantization; empty takes the recommended one.
            revision: commit or branch; empty takes the newest.

        Raises:
            OfflineError: the network is switched off.
            HubError: it cannot be fetched; says why.
        """
        self._network.check()
        model, listed = self._cards.files(repo, revision)
        found = chosen(model, by_quantization(model, file))
        target = target_of(model.repo, found)
        files = remote_files(self._connection.url, model, found, listed)
        if is_here(self.folder, target, files):
            cause = f"{files[0].name} of {model.repo} is here already, byte for byte."
            raise HubError(cause, "Find it among the installed models.")
        check_room(self.folder, target, files)
        self._connection.knock(file_path(model.repo, model.revision, found.name))
        title = " ".join(filter(None, (model.name, found.quantization)))
        return Order(model, found, title, download_spec(model.repo, model.revision, target, files))

    def download(self, repo: str, file: str = "", revision: str = "") -> int:
        """See `HubDoor.download_model`."""
        order = self.order(repo, file, revision)
        return self._add_job(JobKind.DOWNLOAD, order.title, order.spec)

    def state(self) -> HubState:
        """See `HubDoor.hub_state`."""
        kept_in = self._tokens.kept_in()
        return HubState(
            is_offline=self._network.is_offline,
            url=self._config.hub_url,
            proxy=self._config.proxy,
            has_token=bool(kept_in),
            token_kept_in=kept_in,
            bytes_per_s=self._throttle.limit,
            free_bytes=free_bytes(self.folder),
        )

    def set_offline(self, is_offline: bool) -> None:
        """See `HubDoor.set_offline`."""
        self._network.set_offline(is_offline)

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
    def _cards(self) -> HubCards:
        headers = RemoteHeaders(self._connection, self._config.cache_dir / "hub")
        return HubCards(self._connection, headers, self._catalogue, self._judge)

    def _verdict(self, info: ModelInfo, shape: ModelShape | None, layout: WeightLayout | None) -> FitVerdict:
        return self._fit_check().of_shape(info, shape, layout, self._large_file())

    def _large_file(self) -> Path:
        """A file on the disk that models go to, large enough to tell how fast that disk reads."""
        found = max(self.folder.glob("**/*.gguf"), key=lambda path: path.stat().st_size, default=None)
        return found or next(models_dir().glob("*.gguf"))
