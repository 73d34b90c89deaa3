"""HubSettings: whether the network may be used, how fast, and with which token."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.tasks import Tasks
from engine import EngineError, HubState

log = logging.getLogger(__name__)


class SettingsSource(Protocol):
    """What is set for the hub. Thread: any."""

    def hub_state(self) -> HubState:
        """What is set now; microseconds."""

    def set_offline(self, is_offline: bool) -> None:
        """Switch all use of the network off, or on again."""

    def set_download_limit(self, bytes_per_s: int) -> None:
        """Limit all downloads together; 0 sets no limit."""

    def set_hub_token(self, token: str) -> None:
        """Keep a token for gated models; an empty one forgets it."""


class HubSettings(QObject):
    """Passes on what the person sets; nothing of it waits on the UI thread, which a keyring may take long for.

    Signals:
        changed: `state` is another.
        failed: something did not work: cause, remedy.

    Thread: UI only.
    """

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, engine: SettingsSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tasks = tasks

    @property
    def state(self) -> HubState:
        """What is set now."""
        return self._engine.hub_state()

    def set_offline(self, is_offline: bool) -> None:
        """Switch all use of the network off, or on again."""
        self._start(lambda: self._engine.set_offline(is_offline))

    def set_limit(self, bytes_per_s: int) -> None:
        """Limit all downloads together; 0 sets no limit."""
        self._start(lambda: self._engine.set_download_limit(bytes_per_s))

    def set_token(self, token: str) -> None:
        """Keep a token for gated models, or forget it where it is empty."""
        self._start(lambda: self._engine.set_hub_token(token))

    def _start(self, work: Callable[[], None]) -> None:
        self._tasks.start(self._run(work), on_error=self._fail, name="hub settings")

    async def _run(self, work: Callable[[], None]) -> None:
        await asyncio.to_thread(work)
        self.changed.emit()

    def _fail(self, error: Exception) -> None:
        self.failed.emit(*reason_of(error))


def reason_of(error: Exception) -> tuple[str, str]:
    """Cause and remedy of an error, as a person reads them; what nobody expected goes to the log."""
    if isinstance(error, EngineError):
        return error.cause, error.remedy
    log.error("The Models page failed", exc_info=error)
    return "Something in Hearth went wrong.", f"The log file says what: {type(error).__name__}."
