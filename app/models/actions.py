"""ModelActions: what the person does with a model; one thing at a time for each."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal

from app.models.hub_settings import reason_of
from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.source import ModelsSource
from app.models.words import FOREIGN, origin_words
from app.tasks import Tasks
from engine import EngineClosedError, EngineError, ModelDefaults, Origin

T = TypeVar("T")
_LOADING: Final = "Loading"
_UNLOADING: Final = "Letting go"
_REMOVING: Final = "Removing"
_TRYING: Final = "Trying it out"


class Call(Protocol):
    """Runs what may wait for a disk somewhere else."""

    def __call__(self, function: Callable[[], T]) -> Awaitable[T]:
        """Run it."""


class ModelActions(QObject):
    """Starts what is wanted, and says what is under way.

    Signals:
        changed: something is under way, or has ended.
        failed: something did not work: cause, remedy.
        removed: title of a model whose files are in the trash now.

    Thread: UI only.
    """

    changed = Signal()
    failed = Signal(str, str)
    removed = Signal(str)

    def __init__(self, source: ModelsSource, tasks: Tasks, call: Call, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._tasks = tasks
        self._call = call
        self._doing: dict[str, str] = {}
        self._loads: dict[str, asyncio.Task[None]] = {}

    def doing(self, model: str, state: LoadState) -> LoadState:
        """How a model is, with what is under way; a load says its share itself."""
        words = self._doing.get(model)
        if words is None or (words == _LOADING and state.is_loading):
            return state
        is_loading = words == _LOADING  # until it has ended: what is shown as loaded can be let go
        return replace(
            state, words=f"{words}…", role="info", is_loading=is_loading, is_loaded=state.is_loaded and not is_loading
        )

    def is_busy(self, model: str) -> bool:
        """Whether something is under way."""
        return model in self._doing

    @property
    def are_loading(self) -> bool:
        """Whether a load that was begun here goes on."""
        return bool(self._loads)

    def load(self, row: Row) -> None:
        """Load a model, on the device that is set for it."""
        device = row.card.defaults.device if row.card is not None else ""
        task = self._start(row.id, _LOADING, self._load(row.id, device))
        if task is not None:
            self._loads[row.id] = task

    def cancel_load(self, model: str) -> None:
        """Stop loading it, if that was begun here."""
        task = self._loads.get(model)
        if task is not None:
            task.cancel()

    def unload(self, model: str) -> None:
        """Let it go."""
        self._start(model, _UNLOADING, self._unload(model))

    def pin(self, row: Row, is_pinned: bool) -> None:
        """Keep it in memory once it is there, or no longer; at the next start as well."""
        defaults = row.card.defaults if row.card is not None else ModelDefaults()
        try:
            self._source.pin(row.id, is_pinned)
        except EngineError as error:
            self._fail(error)
            return
        if defaults.is_pinned != is_pinned:
            self.set_defaults(row.id, replace(defaults, is_pinned=is_pinned))
        self.changed.emit()

    def set_defaults(self, model: str, defaults: ModelDefaults) -> None:
        """Set what holds for it from the next load on."""
        self._keep(lambda: self._source.set_model_defaults(model, defaults))

    def describe(self, row: Row, *, title: str | None = None, tags: Sequence[str] | None = None) -> None:
        """Call it something else, or tag it."""
        if title is not None and title != row.title:
            self._keep(lambda: self._source.rename_model(row.id, title))
        if tags is not None and tuple(tags) != row.tags:
            self._keep(lambda: self._source.tag_model(row.id, tags))

    def favour(self, model: str, is_favourite: bool) -> None:
        """Mark it, or no longer."""
        self._keep(lambda: self._source.favour_model(model, is_favourite))

    def check(self, model: str, *, is_whole: bool) -> None:
        """Read its whole file as a job in the background, or only try it out."""
        if is_whole:
            self._keep(lambda: self._source.verify_model(model))
        else:
            self._start(model, _TRYING, self._probe(model))

    def remove(self, row: Row) -> None:
        """Put its files into the trash."""
        self._start(row.id, _REMOVING, self._remove(row))

    # --------------------------------------------------------------------------------------------------------- private

    def _start(self, model: str, words: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        if model in self._doing:
            work.close()
            return None
        self._doing[model] = words
        task = self._tasks.start(work, on_error=self._fail, name=f"{words} {model}")
        task.add_done_callback(lambda _task: self._end(model))
        self.changed.emit()
        return task

    def _end(self, model: str) -> None:
        self._doing.pop(model, None)
        self._loads.pop(model, None)
        self.changed.emit()

    def _keep(self, change: Callable[[], object]) -> None:
        self._tasks.start(self._kept(change), on_error=self._fail, name="keep a change")

    async def _kept(self, change: Callable[[], object]) -> None:
        await self._call(change)
        self.changed.emit()

    async def _load(self, model: str, device: str) -> None:
        await self._source.load(model, device)

    async def _unload(self, model: str) -> None:
        await self._source.unload(model)

    async def _probe(self, model: str) -> None:
        report = await self._source.probe_model(model)
        if report.cause:
            self.failed.emit(report.cause, report.remedy)

    async def _remove(self, row: Row) -> None:
        await self._source.remove_model(row.id)
        self.removed.emit(row.title)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, EngineClosedError):
            self.failed.emit(*reason_of(error))


def need_words(requests: int) -> str:
    """`A request needs it now.`, `2 requests need it now.`"""
    return "A request needs it now." if requests == 1 else f"{requests:,} requests need it now."


def why_not_remove(row: Row, state: LoadState) -> str:
    """Why a model cannot be removed, in one or two sentences; empty if it can."""
    if row.origin is Origin.INCLUDED:
        return "It came with Hearth and stays, so that there is always one."
    if row.origin in FOREIGN:
        return f"It belongs to {origin_words(row.origin)}. Remove it there; Hearth changes nothing of others."
    if state.running:
        return f"{need_words(state.running)} Wait until that has ended, or stop it."
    return ""


def why_not_quantize(row: Row) -> str:
    """Why a model cannot be made smaller, in one or two sentences; empty if it may be possible."""
    if row.is_refused or row.card is None:
        return "It cannot be used, so it cannot be made smaller."
    info = row.card.info
    if info.format == "gguf" and info.quantization not in {None, "F16", "BF16", "F32"}:
        return f"It is {info.quantization} already. Take its F16 or F32 to make it smaller: twice would cost quality."
    return ""
