"""HardwareController: the devices as they are now, while somebody looks, and what the person does with them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.hardware.clock import LONGEST_S, Clock, ReadClock, read_clock
from app.hardware.event_log import EventLog
from app.hardware.history import History
from app.hardware.source import HardwareSource
from app.tasks import Tasks
from engine import EngineClosedError, EngineError, LoadedModelInfo, ModelInfo
from engine.hardware import HardwareSnapshot, PlacementReport

log = logging.getLogger(__name__)

_REFRESH_MS = 500


class HardwareController(QObject):
    """Looks at the engine twice a second while it is watched, and at nothing while it is not.

    Attributes:
        history: samples of the last hour, as of the last look.
        events: what happened in the last hour, likewise.

    Signals:
        ticked: there was a look; the argument says whether there are new samples.
        busy_changed: `is_measuring`, `is_looking`, `fraction` or `doing` is another.
        failed: something did not work: cause, remedy.
        placed: the `PlacementReport` that was asked for.
        not_placed: it could not be made: id of the model, cause, remedy.

    Thread: UI only.
    """

    ticked = Signal(bool)
    busy_changed = Signal()
    failed = Signal(str, str)
    placed = Signal(object)
    not_placed = Signal(str, str, str)
    _progressed = Signal(float, str)

    def __init__(
        self,
        source: HardwareSource,
        tasks: Tasks,
        models: Callable[[], Sequence[ModelInfo]] = tuple,
        read: ReadClock = read_clock,
        parent: QObject | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            source: the devices.
            tasks: where coroutines are started.
            models: the models that may be placed, as of the last look at the disk.
            read: reads the clocks.
            parent: where it lives.
        """
        super().__init__(parent)
        self.history = History()
        self.events = EventLog()
        self._source = source
        self._tasks = tasks
        self._models = models
        self._read = read
        self._snapshot: HardwareSnapshot | None = None
        self._loaded: tuple[LoadedModelInfo, ...] = ()
        self._is_open = False
        self._is_watched = False
        self._measuring: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._progress = (0.0, "")
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._progressed.connect(self._on_progressed, Qt.ConnectionType.QueuedConnection)

    @property
    def snapshot(self) -> HardwareSnapshot | None:
        """The devices at the last look; None before the first."""
        return self._snapshot

    @property
    def loaded(self) -> tuple[LoadedModelInfo, ...]:
        """Models in memory at the last look."""
        return self._loaded

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """Models on disk."""
        return tuple(self._models())

    @property
    def clock(self) -> Clock:
        """Both clocks, now."""
        return self._read()

    @property
    def is_measuring(self) -> bool:
        """Whether the devices are being measured on this window's behalf."""
        return self._measuring is not None

    @property
    def is_looking(self) -> bool:
        """Whether the backends are being asked what they reach."""
        return self._looking is not None

    @property
    def progress(self) -> tuple[float, str]:
        """Share of the measuring that is done, in [0, 1], and what is measured now."""
        return self._progress

    def open(self) -> None:
        """Take up work: the engine is open now. Safe to call twice."""
        self._is_open = True
        self.watch(self._is_watched)

    def close(self) -> None:
        """Look no more; call before the engine is closed. Safe to call twice."""
        self._is_open = False
        self._timer.stop()

    def watch(self, is_watched: bool) -> None:
        """Say whether somebody can see the numbers; nothing is done while nobody can."""
        self._is_watched = is_watched
        if is_watched and self._is_open:
            self._timer.start()
            self.refresh()
        else:
            self._timer.stop()

    def refresh(self) -> None:
        """Look now."""
        try:
            self._snapshot = self._source.hardware()
            self._loaded = self._source.snapshot().loaded
            telemetry = self._source.telemetry
            oldest_s = self._read().monotonic_s - LONGEST_S
            has_new = self.history.add(telemetry.history(max(self.history.newest_s, oldest_s)))
            has_new |= self.events.add(telemetry.events())
        except EngineClosedError:
            self.close()
            return
        self.ticked.emit(has_new)

    # ------------------------------------------------------------------------------------------------------- actions

    def measure(self) -> None:
        """Measure all devices anew; it goes on whatever page is shown."""
        if self._measuring is None and self._is_open:
            self._progress = (0.0, "")
            self._measuring = self._start(self._measure(), "measure the devices")
            self._measuring.add_done_callback(self._on_measured)
            self.busy_changed.emit()

    def cancel(self) -> None:
        """Stop measuring; what was measured before stays."""
        if self._measuring is not None:
            self._measuring.cancel()

    def find_devices(self) -> None:
        """Ask the backends again what they reach."""
        if self._looking is None and self._is_open:
            self._looking = self._start(self._find(), "find devices")
            self._looking.add_done_callback(self._on_found)
            self.busy_changed.emit()

    def report(self) -> str:
        """Everything about this machine as text; empty where the engine is not open."""
        try:
            return self._source.hardware_report() if self._is_open else ""
        except EngineClosedError:
            return ""

    def look_up(self, model: str) -> None:
        """Have it said where a model would run; `placed` or `not_placed` answers."""
        self._tasks.start(
            self._place(model), on_error=lambda error: self._not_placed(model, error), name=f"place {model}"
        )

    def choose_device(self, model: str, device: str) -> None:
        """Let a model run on one device only, or, with an empty one, wherever it is fastest; then look it up again."""
        try:
            self._source.set_device(model, device)
        except EngineError as error:
            self.not_placed.emit(model, error.cause, error.remedy)
        else:
            self.look_up(model)

    # ---------------------------------------------------------------------------------------------------- coroutines

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._tasks.start(work, on_error=self._fail, name=name)

    async def _measure(self) -> None:
        await self._source.measure_devices(self._progressed.emit)

    async def _find(self) -> None:
        await self._source.find_devices()

    async def _place(self, model: str) -> None:
        report: PlacementReport = await self._source.placements(model)
        self.placed.emit(report)

    def _on_progressed(self, fraction: float, doing: str) -> None:
        if self._measuring is not None:
            self._progress = (max(0.0, min(1.0, fraction)), doing)
            self.busy_changed.emit()

    def _on_measured(self, _task: asyncio.Task[None]) -> None:
        self._measuring = None
        self._on_done()

    def _on_found(self, _task: asyncio.Task[None]) -> None:
        self._looking = None
        self._on_done()

    def _on_done(self) -> None:
        self.busy_changed.emit()
        if self._is_open and self._is_watched:
            self.refresh()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(*_words_for(error))

    def _not_placed(self, model: str, error: Exception) -> None:
        self.not_placed.emit(model, *_words_for(error))


def _words_for(error: Exception) -> tuple[str, str]:
    """Cause and remedy; an error that nobody thought of is in the log file."""
    if isinstance(error, EngineError):
        return error.cause, error.remedy
    log.error("The Hardware page failed", exc_info=error)
    return "Something in Hearth went wrong.", f"The log file has the details: {type(error).__name__}."
