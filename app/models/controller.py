"""ModelsController: the models that are here as they are now, and the one that is looked at closely."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.models.actions import ModelActions
from app.models.details import Details, files_of
from app.models.fit_book import FitBook, Judgement
from app.models.hub_settings import reason_of
from app.models.load_states import REFUSED, LoadState, LoadStates
from app.models.recommending import best_of
from app.models.rows import Row, rows_of
from app.models.source import ModelsSource
from app.models.words import device_words
from app.tasks import Tasks
from engine import EngineClosedError, EngineError, HubModel, LibraryFolder

log = logging.getLogger(__name__)

T = TypeVar("T")
Uses = Callable[[str], Sequence[str]]
"""Says where in the window a model is chosen, a few words each."""

_LOOK_MS: Final = 500
_LOADING_MS: Final = 200  # while a model is on its way: a share that stands still looks broken


class ModelsController(QObject):
    """Reads the library on a thread of its own whenever its version is another, and looks at loads while it is seen.

    Attributes:
        actions: what can be done with a model.
        fits: whether models fit.
        uses: where in the window a model is chosen.

    Signals:
        changed: other rows, or other folders.
        states_changed: something was loaded, let go, pinned, or is further on its way.
        judged: there are new verdicts.
        details_found: the `Details` of a model.
        recommended_found: a `HubModel` to begin with, or None.
        failed: something did not work: cause, remedy.

    Thread: UI only.
    """

    changed = Signal()
    states_changed = Signal()
    judged = Signal()
    details_found = Signal(object)
    recommended_found = Signal(object)
    failed = Signal(str, str)

    def __init__(
        self, source: ModelsSource, tasks: Tasks, uses: Uses | None = None, parent: QObject | None = None
    ) -> None:
        """Look at nothing yet.

        Args:
            source: the engine.
            tasks: where coroutines are started.
            uses: where in the window a model is chosen.
            parent: where it lives.
        """
        super().__init__(parent)
        self.uses: Uses = uses if uses is not None else lambda _model: ()
        self._source = source
        self._tasks = tasks
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hearth-models")
        self.fits = FitBook(source, tasks, self)
        self.actions = ModelActions(source, tasks, self.call, self)
        self._states = LoadStates(source)
        self._rows: tuple[Row, ...] = ()
        self._by_id: dict[str, Row] = {}
        self._folders: tuple[LibraryFolder, ...] = ()
        self._version: int | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_open = False
        self._is_watched = False
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._flush = QTimer(self, singleShot=True, interval=40)  # verdicts come in crowds; views are told once
        self._flush.timeout.connect(self.judged)
        self.fits.judged.connect(lambda: self._flush.isActive() or self._flush.start())
        self.actions.failed.connect(self.failed)
        self.actions.changed.connect(self.look)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All models, and files that look like models but cannot be used."""
        return self._rows

    @property
    def folders(self) -> tuple[LibraryFolder, ...]:
        """Where models are searched, or could be."""
        return self._folders

    @property
    def is_known(self) -> bool:
        """Whether the library has been read."""
        return self._version is not None

    @property
    def devices(self) -> dict[str, str]:
        """Titles of the devices, by id."""
        return dict(self._states.devices)

    def find(self, model: str) -> Row | None:
        """A row by its id."""
        return self._by_id.get(model)

    def state(self, row: Row) -> LoadState:
        """How a row is now."""
        if row.is_refused:
            return REFUSED
        return self.actions.doing(row.id, self._states.of(row.id))

    def device(self, row: Row) -> str:
        """Where a row is, will be, or was measured; in words."""
        card = row.card
        if card is None:
            return device_words("", {})
        where = self._states.of(row.id).device or card.defaults.device or card.measured_on
        return device_words(where, self._states.devices)

    def judgement(self, row: Row) -> Judgement | None:
        """What is known of a row; what is not is found out."""
        if row.card is None or row.is_refused:
            return None
        self.fits.want(row.card)
        return self.fits.known(row.id)

    # ------------------------------------------------------------------------------------------------------- its life

    def open(self) -> None:
        """Take up work: the engine is open now. Safe to call twice."""
        self._is_open = True
        self.fits.open()
        self.watch(self._is_watched)

    def close(self) -> None:
        """Look no more; call before the engine closes. Safe to call twice."""
        self._is_open = False
        self._timer.stop()
        self._flush.stop()
        self.fits.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def watch(self, is_watched: bool) -> None:
        """Say whether somebody can see the models; nothing is looked at while nobody can."""
        self._is_watched = is_watched
        if is_watched and self._is_open:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def look(self) -> None:
        """Look now: cheap where nothing has changed."""
        if not self._is_open:
            return
        if self._reading is None and (self._version is None or self._source.library_version() != self._version):
            self._reading = self._tasks.start(self._read(), on_error=self._fail, name="read library")
            self._reading.add_done_callback(self._on_read)
        if self._states.look():
            self.states_changed.emit()
        if self.fits.note_memory(self._states.budget_bytes, self._states.loaded):
            self.judged.emit()  # what is seen is painted again, and asked for anew by that
        wanted = _LOADING_MS if self._states.are_loading or self.actions.are_loading else _LOOK_MS
        if self._timer.interval() != wanted:
            self._timer.setInterval(wanted)

    # ----------------------------------------------------------------------------------------------- what takes longer

    def ask_details(self, row: Row) -> None:
        """Find what takes a look at the disk; `details_found` brings it."""
        if self._is_open:
            self._tasks.start(self._find_details(row), on_error=self._fail, name="details of a model")

    def ask_recommended(self) -> None:
        """Find one model to begin with; `recommended_found` brings it."""
        if self._is_open:
            self._tasks.start(self._find_recommended(), on_error=self._fail, name="recommended model")

    async def call(self, function: Callable[[], T]) -> T:
        """Run what may wait for a disk on the thread of the library."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    async def _read(self) -> None:
        version, rows, folders = await self.call(self._read_all)
        self._version = version
        if rows != self._rows or folders != self._folders or not self._by_id:
            self._rows, self._folders = rows, folders
            self._by_id = {row.id: row for row in rows}
            self.changed.emit()

    def _read_all(self) -> tuple[int, tuple[Row, ...], tuple[LibraryFolder, ...]]:
        version = self._source.library_version()  # before the rest: what changes meanwhile is read again
        cards = self._source.cards()
        folders = self._source.library_folders()
        return version, rows_of(cards, folders), folders

    def _on_read(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled() and task.exception() is None and self._is_open:
            self.look()  # it may have changed meanwhile

    async def _find_details(self, row: Row) -> None:
        if row.card is None:
            return
        card, cards = row.card, [other.card for other in self._rows if other.card is not None]

        def find() -> Details:
            try:
                reports = self._source.reports(row.id)
            except EngineError as error:
                log.info("No quality reports of %s: %s", row.id, error)
                reports = ()
            alike = sum(other.template_sha256 == card.template_sha256 for other in cards) - 1 if card.template else 0
            return Details(row.id, tuple(reports), files_of(card), max(0, alike))

        self.details_found.emit(await self.call(find))

    async def _find_recommended(self) -> None:
        found: tuple[HubModel, ...] = await self.call(self._source.catalogue)
        self.recommended_found.emit(best_of(found))

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, EngineClosedError):
            self.failed.emit(*reason_of(error))
