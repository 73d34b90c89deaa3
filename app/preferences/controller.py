"""PreferencesController: limits and caches as they are now, while somebody looks, and what is changed of them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from app.preferences.engine_file import Setting, write_settings
from app.preferences.network import NetworkSettings
from app.preferences.source import PreferencesSource
from app.tasks import Tasks
from engine import CacheInfo, EngineClosedError, EngineError, Limits, LoadedModelInfo
from engine.hardware import HardwareSnapshot

log = logging.getLogger(__name__)

_REFRESH_MS: Final = 1000
_STILL_MS: Final = 400  # a slider that is being dragged is applied once it rests


@dataclass(frozen=True, slots=True)
class Look:
    """What there was at one moment.

    Attributes:
        limits: what the engine may take.
        cache: what is kept.
        hardware: the machine, with its memory.
        loaded: models in memory.
    """

    limits: Limits
    cache: CacheInfo
    hardware: HardwareSnapshot
    loaded: tuple[LoadedModelInfo, ...]


class PreferencesController(QObject):
    """Looks once a second while it is watched; applies limits, and keeps them in the engine's settings file.

    Attributes:
        settings_file: where limits are kept.
        network: whether and how the network is used.

    Signals:
        ticked: there was a look, or other limits are wanted.
        busy_changed: `is_clearing` is another.
        cleared: what was kept has been deleted.
        failed: something did not work: `bad` or `warn`, cause, remedy.

    Thread: UI only; what waits for a disk runs on the thread `hearth-settings`.
    """

    ticked = Signal()
    busy_changed = Signal()
    cleared = Signal()
    failed = Signal(str, str, str)

    def __init__(
        self, source: PreferencesSource, tasks: Tasks, settings_file: Path, parent: QObject | None = None
    ) -> None:
        """Look at nothing yet.

        Args:
            source: the engine.
            tasks: where coroutines are started.
            settings_file: that the engine reads at its next start.
            parent: where it lives.
        """
        super().__init__(parent)
        self._source = source
        self._tasks = tasks
        self.settings_file = settings_file
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="hearth-settings")
        self._look: Look | None = None
        self._wanted: Limits | None = None  # asked for
        self._in_hand: Limits | None = None  # being applied
        self._unkept: dict[str, Setting | None] = {}  # applied, and not yet in the file
        self._applying: asyncio.Task[None] | None = None
        self._clearing: asyncio.Task[None] | None = None
        self._is_open = False
        self._is_watched = False
        self.network = NetworkSettings(source, self.keep, self)
        self.network.failed.connect(self.failed)
        self._timer = QTimer(self, interval=_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._rest = QTimer(self, singleShot=True, interval=_STILL_MS)
        self._rest.timeout.connect(self.apply)

    @property
    def look(self) -> Look | None:
        """What there was at the last look; None before the first."""
        return self._look

    @property
    def limits(self) -> Limits | None:
        """The limits that are wanted, or those of the last look; None before the first."""
        return self._wanted or self._in_hand or (self._look.limits if self._look is not None else None)

    @property
    def is_clearing(self) -> bool:
        """Whether something is being deleted."""
        return self._clearing is not None

    def open(self) -> None:
        """Take up work: the engine is open now. Safe to call twice."""
        self._is_open = True
        self.watch(self._is_watched)

    async def close(self) -> None:
        """Apply and keep what is still wanted, and look no more; call before the engine closes. Safe to call twice."""
        self.apply()
        self._timer.stop()
        self._rest.stop()
        if self._applying is not None:
            await asyncio.wait({self._applying})
        self._is_open = False
        self._pool.shutdown(wait=False)

    def watch(self, is_watched: bool) -> None:
        """Say whether somebody can see the numbers; nothing is looked at while nobody can."""
        self._is_watched = is_watched
        if is_watched and self._is_open:
            self._timer.start()
            self.refresh()
        else:
            self._timer.stop()

    def refresh(self) -> None:
        """Look now."""
        source = self._source
        try:
            self._look = Look(source.limits(), source.cache(), source.hardware(), source.snapshot().loaded)
        except EngineClosedError:
            self._timer.stop()
            return
        self.network.look()
        self.ticked.emit()

    # ------------------------------------------------------------------------------------------------------- actions

    def set_limits(self, limits: Limits) -> None:
        """Have other limits, as soon as no more are asked for within a moment."""
        if self._is_open and limits != self.limits:
            self._wanted = limits
            self._rest.start()
            self.ticked.emit()

    def apply(self) -> None:
        """Apply the limits that are wanted now."""
        self._rest.stop()
        if self._is_open and self._wanted is not None and self._applying is None:
            self._applying = self._tasks.start(self._apply_wanted(), on_error=self._fail, name="set limits")
            self._applying.add_done_callback(self._on_applied)

    def keep(self, settings: Mapping[str, Setting | None]) -> None:
        """Keep settings for the next start; None takes one out of the file."""
        self._unkept |= settings
        self._tasks.start(self._write_unkept(), on_error=self._fail, name="keep settings")

    def clear(self, *, answers: bool = False, prefixes: bool = False) -> None:
        """Delete what is kept of answers, of prompts, or of both."""
        if self._is_open and self._clearing is None:
            work = self._clear(answers=answers, prefixes=prefixes)
            self._clearing = self._tasks.start(work, on_error=self._fail, name="delete what is kept")
            self._clearing.add_done_callback(self._on_cleared)
            self.busy_changed.emit()

    # ---------------------------------------------------------------------------------------------------- coroutines

    async def _apply_wanted(self) -> None:
        try:
            while self._wanted is not None and not self._rest.isActive():
                self._in_hand, self._wanted = self._wanted, None
                await self._apply(self._in_hand)
        finally:
            self._in_hand = None

    async def _apply(self, limits: Limits) -> None:
        before = asdict(self._source.limits())
        await self._call(lambda: self._source.set_limits(limits))
        self._unkept |= {name: value for name, value in asdict(limits).items() if value != before[name]}
        await self._write_unkept()

    async def _write_unkept(self) -> None:
        unkept = dict(self._unkept)
        try:
            await self._call(lambda: write_settings(self.settings_file, unkept))
        except (OSError, ValueError) as error:
            log.warning("Settings are not kept: %s", error)
            why = (error.strerror if isinstance(error, OSError) else None) or error
            cause = f"The settings cannot be written to {self.settings_file}: {why}."
            self.failed.emit("warn", cause, "They apply until Hearth is closed.")
        else:
            self._unkept = {name: value for name, value in self._unkept.items() if unkept.get(name, ...) != value}

    async def _clear(self, *, answers: bool, prefixes: bool) -> None:
        await self._source.clear_cache(answers=answers, prefixes=prefixes)
        self.cleared.emit()

    async def _call(self, function: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def _on_applied(self, task: asyncio.Task[None]) -> None:
        self._applying = None
        if not task.cancelled():
            self.refresh()

    def _on_cleared(self, task: asyncio.Task[None]) -> None:
        self._clearing = None
        self.busy_changed.emit()
        if not task.cancelled():
            self.refresh()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, EngineClosedError):
            return
        if isinstance(error, EngineError):
            self.failed.emit("bad", error.cause, error.remedy)
            return
        log.error("Settings failed", exc_info=error)
        self.failed.emit("bad", "Something in Hearth went wrong.", f"The log says more: {type(error).__name__}.")
