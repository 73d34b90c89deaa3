"""DiscoverController: what can be found and fetched, and how far that is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from app.models.card_view_text import readable
from app.models.discover_query import ANYTHING, is_anything, matches
from app.models.hub_settings import HubSettings, reason_of
from app.models.hub_source import HubSource
from app.tasks import Tasks
from engine import BackgroundJob, EngineError, HubCard, HubModel, HubQuery, HubState, ModelCard, OfflineError

_CARD_MS = 250  # walking through the list with the arrow keys asks for nothing
_WATCH_MS = 500
_MOST_CARDS = 64


class Phase(Enum):
    """How far a search of the hub is."""

    NONE = "none"
    SEARCHING = "searching"
    FOUND = "found"
    NOTHING = "nothing"
    OFFLINE = "offline"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """The model that is looked at.

    Attributes:
        model: with its files, as far as they are known.
        card: what its author says; None before it was fetched.
        text: the same, made ready to be read; still untrusted.
        is_cut: whether that is only its beginning.
        is_loading: whether it is being fetched.
        cause: why it could not be, in one sentence.
        remedy: what to do.
    """

    model: HubModel
    card: HubCard | None = None
    text: str = ""
    is_cut: bool = False
    is_loading: bool = False
    cause: str = ""
    remedy: str = ""


class DiscoverController(QObject):
    """Recommended models without any network; the hub only once the person has asked for it.

    Attributes:
        settings: what holds for all downloads.
        query: what is looked for.
        phase: how far the search of the hub is.
        error: why it failed: cause and remedy.
        recommended: what Hearth recommends and matches the query.
        results: what the hub found.
        detail: the model that is looked at; None for none.

    Signals:
        changed: the lists, or what is known of the search.
        detail_changed: the model that is looked at, or what is known of it.
        began: number of a download that began.
        failed: something did not work: cause, remedy.

    Thread: UI only.
    """

    changed = Signal()
    detail_changed = Signal()
    began = Signal(int)
    failed = Signal(str, str)

    def __init__(self, engine: HubSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.query = ANYTHING
        self.phase = Phase.NONE
        self.error = ("", "")
        self.recommended: tuple[HubModel, ...] = ()
        self.results: tuple[HubModel, ...] = ()
        self.detail: Detail | None = None
        self._engine = engine
        self._tasks = tasks
        self._catalogue: tuple[HubModel, ...] = ()
        self._is_loaded = False
        self._search: asyncio.Task[None] | None = None
        self._known: dict[str, Detail] = {}  # by repository, with a card
        self._installed: Mapping[tuple[str, str], str] = {}
        self._version = -1
        self._downloads: dict[tuple[str, str], int] = {}
        self._jobs: tuple[BackgroundJob, ...] = ()
        self._may_ask = False  # whether the person has had the hub asked for something
        self._card_timer = QTimer(self, singleShot=True, interval=_CARD_MS)
        self._card_timer.timeout.connect(self.load_card)
        self.settings = HubSettings(engine, tasks, self)
        self.settings.changed.connect(self._on_settings)
        self.settings.failed.connect(self.failed)
        self._timer = QTimer(self, interval=_WATCH_MS)
        self._timer.timeout.connect(self.look)

    # ------------------------------------------------------------------------------------------------------- looking

    @property
    def state(self) -> HubState:
        """Whether the hub may be used, and how."""
        return self._engine.hub_state()

    @property
    def is_loaded(self) -> bool:
        """Whether it is known what Hearth recommends."""
        return self._is_loaded

    def watch(self, is_seen: bool) -> None:
        """Begin to look at the library and the downloads, or stop."""
        if is_seen and not self._timer.isActive():
            self._timer.start()
            self._tasks.start(self._load_catalogue(), on_error=self._fail, name="catalogue")  # what fits changes
            self.look()
            self._want_card()
        elif not is_seen:
            self._timer.stop()
            self._card_timer.stop()

    def look(self) -> None:
        """Look at what is here and what is under way."""
        version = self._engine.library_version()
        if version != self._version:
            self._version = version
            self._tasks.start(self._look_at_cards(), on_error=self._fail, name="cards")
        jobs = self._engine.jobs() if self._downloads else ()
        if jobs != self._jobs:
            self._jobs = jobs
            self.detail_changed.emit()

    def installed(self, model: HubModel, file: str = "") -> str:
        """Id of a model that is here; empty if it is not.

        Args:
            model: of the hub.
            file: which of its files; empty takes any.
        """
        if file:
            return self._installed.get((model.repo, _base(file)), "")
        return next((found for (repo, _file), found in self._installed.items() if repo == model.repo), "")

    def download_of(self, model: HubModel, file: str) -> BackgroundJob | None:
        """The download of a file that was begun here; None if there is none."""
        number = self._downloads.get((model.repo, file))
        return next((job for job in self._jobs if job.id == number), None)

    # ------------------------------------------------------------------------------------------------------ searching

    def narrow(self, query: HubQuery) -> None:
        """Look for something else among what is recommended; nothing leaves this computer."""
        if query != self.query:
            self.query = query
            if is_anything(query):
                self._forget_search()
            self._narrow()

    def search(self) -> None:
        """Ask the hub for what is looked for now; an older search is given up."""
        if self._search is not None:
            self._search.cancel()
        self._may_ask = True
        self.phase, self.error = Phase.SEARCHING, ("", "")
        self._search = self._tasks.start(self._ask_hub(self.query), on_error=self._fail, name="search the hub")
        self.changed.emit()

    def cancel_search(self) -> None:
        """Give the search up."""
        self._forget_search()
        self.changed.emit()

    # -------------------------------------------------------------------------------------------------------- details

    def choose(self, repo: str) -> None:
        """Look at a model of the lists; an unknown one, or none, shows nothing."""
        model = next((each for each in (*self.recommended, *self.results) if each.repo == repo), None)
        if model is None:
            self.detail = None
        elif self.detail is None or self.detail.model.repo != repo:
            self.detail = self._known.get(repo) or Detail(model=model)
        self._want_card()
        self.detail_changed.emit()

    def load_card(self) -> None:
        """Fetch what the author of the model says, and its files; from now on that happens by itself."""
        detail = self.detail
        if detail is None or detail.is_loading or detail.card is not None:
            return
        self._may_ask = True
        self.detail = replace(detail, is_loading=True, cause="", remedy="")
        self.detail_changed.emit()
        self._tasks.start(self._load_card(detail.model.repo, detail.model), on_error=self._fail, name="card")

    def download(self, file: str) -> None:
        """Begin to fetch a file of the model that is looked at."""
        if self.detail is not None:
            model = self.detail.model
            self._tasks.start(self._download(model, file), on_error=self._fail, name=f"download {model.repo}")

    # ---------------------------------------------------------------------------------------------------- coroutines

    async def _load_catalogue(self) -> None:
        self._catalogue = await asyncio.to_thread(self._engine.catalogue)
        self._is_loaded = True
        self._narrow()

    async def _look_at_cards(self) -> None:
        self._installed = _places(await asyncio.to_thread(self._engine.cards))
        self.changed.emit()
        self.detail_changed.emit()

    async def _ask_hub(self, query: HubQuery) -> None:
        try:
            found = await self._engine.search_models(query)
        except EngineError as error:
            self.results, self.error = (), (error.cause, error.remedy)
            self.phase = Phase.OFFLINE if isinstance(error, OfflineError) else Phase.FAILED
        else:
            listed = {model.repo for model in self.recommended}
            self.results = tuple(self._best_of(model) for model in found if model.repo not in listed)
            self.phase = Phase.FOUND if found else Phase.NOTHING
        self._search = None
        self.changed.emit()

    async def _load_card(self, repo: str, model: HubModel) -> None:
        try:
            card = await self._engine.hub_card(repo)
        except EngineError as error:
            known = Detail(model=model, cause=error.cause, remedy=error.remedy)
        else:
            text, is_cut = await asyncio.to_thread(readable, card.text)
            known = Detail(model=_better(model, card.model), card=card, text=text, is_cut=is_cut)
            while len(self._known) >= _MOST_CARDS:
                del self._known[next(iter(self._known))]
            self._known[repo] = known
            self._take_in(known.model)
        if self.detail is not None and self.detail.model.repo == repo:  # else another one is looked at by now
            self.detail = known
            self.detail_changed.emit()

    async def _download(self, model: HubModel, file: str) -> None:
        self._may_ask = True
        number = await self._engine.download_model(model.repo, file, model.revision)
        self._downloads[(model.repo, file)] = number
        self.began.emit(number)
        self.look()

    # -------------------------------------------------------------------------------------------------------- private

    def _on_settings(self) -> None:
        """Go on with what needed the network, or a token."""
        self.changed.emit()
        if not self.state.is_offline:
            if self.phase is Phase.OFFLINE:
                self.search()
            if self.detail is not None and self.detail.cause:
                self.load_card()
        self.detail_changed.emit()

    def _want_card(self) -> None:
        """Have the card of the model fetched in a moment, if the person has had the hub asked for something before."""
        self._card_timer.stop()
        detail = self.detail
        is_missing = detail is not None and detail.card is None and not detail.cause
        if is_missing and self._may_ask and not self.state.is_offline:
            self._card_timer.start()

    def _narrow(self) -> None:
        self.recommended = tuple(self._best_of(model) for model in self._catalogue if matches(model, self.query))
        self.changed.emit()

    def _best_of(self, model: HubModel) -> HubModel:
        """A model with what is known of it by now."""
        known = self._known.get(model.repo)
        return known.model if known is not None else model

    def _take_in(self, model: HubModel) -> None:
        """Show in the lists what is now known of a model."""

        def better(models: Sequence[HubModel]) -> tuple[HubModel, ...]:
            return tuple(model if each.repo == model.repo else each for each in models)

        self.recommended, self.results = better(self.recommended), better(self.results)
        self.changed.emit()

    def _forget_search(self) -> None:
        if self._search is not None:
            self._search.cancel()
            self._search = None
        self.phase, self.results, self.error = Phase.NONE, (), ("", "")

    def _fail(self, error: Exception) -> None:
        self.failed.emit(*reason_of(error))


def _better(model: HubModel, known: HubModel) -> HubModel:
    """A model as the hub knows it, with the words that only the catalogue has."""
    return replace(
        known,
        name=model.name or known.name,
        summary=model.summary or known.summary,
        tasks=model.tasks or known.tasks,
        is_catalogued=model.is_catalogued or known.is_catalogued,
        files=known.files or model.files,
        recommended=known.recommended or model.recommended,
    )


def _places(cards: Sequence[ModelCard]) -> Mapping[tuple[str, str], str]:
    """Ids of the models that came from a hub, by repository and file."""
    return {
        (card.provenance.repo, path.name): card.info.id for card in cards if card.provenance.repo for path in card.files
    }


def _base(file: str) -> str:
    return file.rpartition("/")[2]
