"""Hub: one hub, asked for lists, cards, and what a download needs; everything here needs the network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.errors import HubError
from engine.finds import HubCard, HubModel, HubQuery
from engine.hub.addresses import file_path
from engine.hub.cards import HubCards
from engine.hub.catalogue import Catalogue
from engine.hub.connection import HubConnection
from engine.hub.judge import Judge
from engine.hub.order import Order, by_quantization, check_room, chosen, is_here, remote_files, target_of
from engine.hub.remote_header import RemoteHeaders
from engine.hub.search import HubSearch
from engine.hub.transfer import Network, download_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPlace:
    """Where a hub is, and how it is reached.

    Attributes:
        url: of the hub, or of its mirror.
        proxy: address of the proxy; empty takes the system's.
        network: whether it may be used.
        token: gives the token; empty if there is none.
        cache: folder for what can be fetched again.
        models: folder that models go to.
    """

    url: str
    proxy: str
    network: Network
    token: Callable[[], str]
    cache: Path
    models: Path


class Hub:
    """Asks one hub.

    Thread: any; blocks.
    """

    def __init__(self, place: HubPlace, catalogue: Catalogue, judge: Judge) -> None:
        self._place = place
        self._connection = HubConnection(place.url, place.proxy, place.network, place.token)
        self._search = HubSearch(self._connection, catalogue.tasks, judge)
        self._catalogue = catalogue
        self._cards = HubCards(self._connection, RemoteHeaders(self._connection, place.cache), catalogue, judge)

    def token_for(self, host: str) -> str:
        """The token, for the hub's own host alone."""
        return self._connection.token_for(host)

    def search(self, query: HubQuery) -> tuple[HubModel, ...]:
        """See `HubDoor.search_models`."""
        return self._search.find(query)

    def card(self, repo: str) -> HubCard:
        """See `HubDoor.hub_card`."""
        return self._cards.card(repo)

    def order(self, repo: str, file: str, revision: str) -> Order:
        """What is to be fetched of a model, checked: that it is there, may be had, has room, and is not here yet.

        Args:
            repo: `owner/name`.
            file: which of its files, or its quantization; empty takes the recommended one.
            revision: commit or branch; empty takes the newest.

        Raises:
            OfflineError: the network is switched off.
            HubError: it cannot be fetched; says why.
        """
        model, listed = self._cards.files(repo, revision)
        found = chosen(model, by_quantization(model, self._of_catalogue(model, file)))
        target = target_of(model.repo, found)
        files = remote_files(self._connection.url, model, found, listed)
        spec = download_spec(model.repo, model.revision, target, files)  # first of all: it checks all names
        if is_here(self._place.models, target, files):
            cause = f"{files[0].name} of {model.repo} is here already, byte for byte."
            raise HubError(cause, "Find it among the installed models.")
        check_room(self._place.models, target, files)
        self._connection.knock(file_path(model.repo, model.revision, found.name))
        title = " ".join(filter(None, (model.name, found.quantization)))
        return Order(model, found, title, spec)

    def _of_catalogue(self, model: HubModel, file: str) -> str:
        """A file's name, or its quantization where the catalogue knows it by a name that it does not have any more."""
        listed = self._catalogue.find(model.repo)
        if listed is None or file in {found.name for found in model.files}:
            return file
        return next((known.quantization for known in listed.files if known.name == file), file)
