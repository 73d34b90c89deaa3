"""UpdatesController: whether, when and with what result a new version was looked for."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from app.tasks import Tasks
from engine import EngineError, OfflineError, Release
from engine.releases import is_newer

log = logging.getLogger(__name__)

_DAY_S: Final = 24 * 3600
_FIRST_MS: Final = 20_000  # a start has better things to do
_AGAIN_MS: Final = 3_600_000
_WITHIN_S: Final = 60.0


class UpdateSource(Protocol):
    """What is asked; an engine is one. Errors are `EngineError`s with cause and remedy."""

    def update_url(self) -> str:
        """Where new versions are asked for; empty for nowhere."""

    def update_host(self) -> str:
        """The host of that address."""

    async def latest_release(self) -> Release:
        """Ask once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered from one start to the next.

    Attributes:
        is_on: whether to look once a day.
        looked_at: when that was done last, in seconds since 1970.
        told: the version that was told of last.
        skipped: the version that nobody wants to hear of.
    """

    is_on: bool = False
    looked_at: int = 0
    told: str = ""
    skipped: str = ""


class UpdatesController(QObject):
    """Looks once a day if that is switched on, and whenever somebody asks.

    Signals:
        changed: something that is shown is another.
        found: a new version that was not told of before.
        kept: `memory` is another, and to be written.

    Thread: UI only.
    """

    changed = Signal()
    found = Signal(object)
    kept = Signal()

    def __init__(
        self,
        source: UpdateSource,
        tasks: Tasks,
        version: str,
        memory: Memory,
        parent: QObject | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Look for nothing yet.

        Args:
            source: the engine.
            tasks: where coroutines are started.
            version: of this Hearth.
            memory: of the last time.
            parent: where it lives.
            now: the clock, in seconds since 1970.
        """
        super().__init__(parent)
        self.memory = memory
        self.version = version
        self.host = source.update_host()
        self._source = source
        self._tasks = tasks
        self._now = now
        self._release: Release | None = None
        self._words = ""
        self._looking: asyncio.Task[None] | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.look_if_due)

    @property
    def can_look(self) -> bool:
        """Whether it is known where new versions are told."""
        return bool(self._source.update_url())

    @property
    def is_on(self) -> bool:
        """Whether to look once a day."""
        return self.memory.is_on and self.can_look

    @property
    def is_looking(self) -> bool:
        """Whether an answer is being waited for."""
        return self._looking is not None

    @property
    def release(self) -> Release | None:
        """The newest version that is known of, if it is newer than this one."""
        return self._release

    @property
    def words(self) -> str:
        """How the last look ended, in a sentence; empty before one that somebody asked for."""
        return self._words

    def open(self) -> None:
        """Look soon, and then once a day, if that is switched on."""
        self._timer.start(_FIRST_MS)

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        self._timer.stop()

    def switch(self, is_on: bool) -> None:
        """Look once a day from now on, or no longer."""
        self._remember(replace(self.memory, is_on=is_on))
        self.look_if_due()

    def skip(self) -> None:
        """Tell no more of the version that was found."""
        if self._release is not None:
            self._remember(replace(self.memory, skipped=self._release.version))
            self._words = f"Hearth {self._release.version} is left out. You will hear of the one after it."
            self._release = None
            self.changed.emit()

    def look_now(self) -> None:
        """Look because somebody asked."""
        self._look(is_asked=True)

    def look_if_due(self) -> None:
        """Look if it is switched on, and a day has passed."""
        self._timer.start(_AGAIN_MS)
        if self.is_on and not 0 <= self._now() - self.memory.looked_at < _DAY_S:
            self._look(is_asked=False)

    def _look(self, *, is_asked: bool) -> None:
        if self._looking is None and self.can_look:
            self._looking = self._tasks.start(self._ask(is_asked=is_asked), name="look for a new version")
            self._looking.add_done_callback(self._on_looked)
            self.changed.emit()

    async def _ask(self, *, is_asked: bool) -> None:
        try:
            async with asyncio.timeout(_WITHIN_S):
                release = await self._source.latest_release()
        except (EngineError, TimeoutError) as error:
            log.info("No list of new versions: %s", error)
            if is_asked:
                self._words = str(error) if isinstance(error, EngineError) else f"{self.host} does not answer in time."
            if isinstance(error, OfflineError):
                return  # nothing was asked
        else:
            self._take(release, is_asked=is_asked)
        self._remember(replace(self.memory, looked_at=int(self._now())))

    def _take(self, release: Release, *, is_asked: bool) -> None:
        if not is_newer(release.version, self.version):
            self._release, self._words = None, f"Hearth {self.version} is the newest version."
        elif is_asked or release.version != self.memory.skipped:
            self._release, self._words = release, f"Hearth {release.version} is there."
            if release.version not in {self.memory.told, self.memory.skipped}:
                self._remember(replace(self.memory, told=release.version))
                if not is_asked:
                    self.found.emit(release)

    def _on_looked(self, _task: asyncio.Task[None]) -> None:
        self._looking = None
        self.changed.emit()

    def _remember(self, memory: Memory) -> None:
        if memory != self.memory:
            self.memory = memory
            self.kept.emit()
            self.changed.emit()
