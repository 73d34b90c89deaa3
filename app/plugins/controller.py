"""PluginsController: the plugins as they are now, and what the person does with them."""

import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.plugins.host import Host
from app.tasks import Tasks
from engine import EngineError, ModelInfo, PluginError, PluginInfo, PluginState, Values

log = logging.getLogger(__name__)

_REFRESH_MS = 250  # numbers of a telemetry source may come far more often


class PluginsController(QObject):
    """Follows the host, at most four times a second, and passes on what the person wants.

    Attributes:
        models: gives the models that settings may choose from.

    Signals:
        changed: `plugins`, or what is under way with one of them, is another.
        consent_wanted: id of a plugin that was just installed, and may not run before it is allowed.
        failed: something did not work: cause, remedy, details for copying (may be empty).

    Thread: UI only; the host's changes may come from any thread.
    """

    changed = Signal()
    consent_wanted = Signal(str)
    failed = Signal(str, str, str)
    _poked = Signal()

    def __init__(
        self,
        host: Host,
        tasks: Tasks,
        models: Callable[[], Sequence[ModelInfo]] = tuple,
        parent: QObject | None = None,
    ) -> None:
        """Follow nothing yet.

        Args:
            host: the plugins.
            tasks: where coroutines are started.
            models: the models that settings may choose from.
            parent: where it lives.
        """
        super().__init__(parent)
        self.models = models
        self._host = host
        self._tasks = tasks
        self._plugins: tuple[PluginInfo, ...] = ()
        self._busy: dict[str, str] = {}
        self._installing = 0
        self._remove_listener: Callable[[], None] | None = None
        self._is_poke_on_its_way = threading.Event()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_REFRESH_MS)
        self._pause.timeout.connect(self._on_pause_over)
        self._is_stale = False
        self._poked.connect(self._on_poked, Qt.ConnectionType.QueuedConnection)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plugins, as they were at the last look."""
        return self._plugins

    @property
    def installing(self) -> int:
        """How many folders and zips are being installed."""
        return self._installing

    @property
    def is_safe(self) -> bool:
        """Whether Hearth was started without strangers' plugins."""
        return self._host.is_safe

    @property
    def crashed(self) -> tuple[PluginInfo, ...]:
        """Plugins that were running when Hearth ended unexpectedly, and about which nothing has been decided."""
        return tuple(info for name in self._host.crashed if (info := self.find(name)) is not None)

    def find(self, plugin: str) -> PluginInfo | None:
        """A plugin by its id; None if there is none (any more)."""
        return next((info for info in self._plugins if info.id == plugin), None)

    def doing(self, plugin: str) -> str:
        """What is under way with a plugin, such as "Removing"; empty for nothing."""
        return self._busy.get(plugin, "")

    def open(self) -> None:
        """Follow the host; call when the engine is open. Safe to call twice."""
        if self._remove_listener is None:
            self._remove_listener = self._host.add_listener(self._poke)
        self.refresh()

    def close(self) -> None:
        """Follow no more; call before the engine is closed. Safe to call twice."""
        if self._remove_listener is not None:
            self._remove_listener()
            self._remove_listener = None
        self._pause.stop()

    def refresh(self) -> None:
        """Look at the host now."""
        self._is_stale = False
        plugins = self._host.snapshot()
        if plugins != self._plugins:
            self._plugins = plugins
            self.changed.emit()

    # ------------------------------------------------------------------------------------------------------- actions

    def install(self, paths: Sequence[Path]) -> None:
        """Install folders and zips, one after the other; each then asks for consent."""
        for path in paths:
            self._tasks.start(self._install(path), on_error=self._fail, name="install plugin")

    def enable(self, plugin: str, digest: str = "") -> None:
        """Let a plugin run; `digest` is of the files that the person has just allowed."""
        self._start(plugin, "Enabling", self._host.enable(plugin, digest))

    def disable(self, plugin: str) -> None:
        """Stop a plugin and leave it out."""
        self._start(plugin, "Disabling", self._host.disable(plugin))

    def reload(self, plugin: str) -> None:
        """Start a plugin anew."""
        self._start(plugin, "Reloading", self._host.reload(plugin))

    def remove(self, plugin: str) -> None:
        """Delete a plugin."""
        self._start(plugin, "Removing", self._host.remove(plugin))

    def set_settings(self, plugin: str, values: Values) -> None:
        """Change a plugin's settings."""
        self._start(plugin, "Applying the settings", self._host.set_settings(plugin, values))

    # ---------------------------------------------------------------------------------------------------- coroutines

    def _start(self, plugin: str, doing: str, work: Coroutine[Any, Any, None]) -> None:
        if plugin in self._busy:
            work.close()
            return
        self._busy[plugin] = doing
        self.changed.emit()
        self._tasks.start(self._run(plugin, work), on_error=self._fail, name=f"{doing} {plugin}")

    async def _run(self, plugin: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            del self._busy[plugin]
            self._plugins = self._host.snapshot()
            self.changed.emit()

    async def _install(self, path: Path) -> None:
        self._installing += 1
        self.changed.emit()
        try:
            info = await self._host.install(path)
        finally:
            self._installing -= 1
            self._plugins = self._host.snapshot()
            self.changed.emit()
        if info.state is PluginState.NEEDS_CONSENT:  # in safe mode nothing is asked, since nothing would run
            self.consent_wanted.emit(info.id)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, EngineError):
            self.failed.emit(error.cause, error.remedy, error.details if isinstance(error, PluginError) else "")
        else:
            log.error("Plugins failed", exc_info=error)
            self.failed.emit(
                "Something in Hearth went wrong.", f"The log file has the details: {type(error).__name__}.", ""
            )

    # ----------------------------------------------------------------------------------------------------- following

    def _poke(self) -> None:
        """On any thread: have the UI thread look; one request at a time is on its way."""
        if not self._is_poke_on_its_way.is_set():
            self._is_poke_on_its_way.set()
            self._poked.emit()

    def _on_poked(self) -> None:
        self._is_poke_on_its_way.clear()
        if self._remove_listener is None:
            return
        if self._pause.isActive():
            self._is_stale = True
            return
        self._pause.start()
        self.refresh()

    def _on_pause_over(self) -> None:
        if self._is_stale:
            self._pause.start()
            self.refresh()
