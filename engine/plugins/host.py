"""PluginHost: finds plugins, runs those that may run, and does what the user decides about them."""

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from engine.errors import EngineClosedError, PluginError
from engine.plugins.bundled import plugin_folders
from engine.plugins.consent import ConsentStore, Decision
from engine.plugins.contract.offers import Sample
from engine.plugins.contract.values import Values
from engine.plugins.crash_marker import CrashMarker, collect_crashes
from engine.plugins.discovery import FoundPlugin, discover, look
from engine.plugins.elsewhere import Elsewhere
from engine.plugins.hosted import CRASHED, HostedPlugin
from engine.plugins.infos import PluginInfo
from engine.plugins.isolation import Isolate, isolate
from engine.plugins.manifest import PermissionKind
from engine.plugins.manifest_reader import folder_name, is_plugin_id
from engine.plugins.open_host import OpenHost
from engine.plugins.registry import Registry
from engine.plugins.removal import empty_trash, remove_folder
from engine.plugins.surroundings import Surroundings

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMORY_BEATS: Final = 4  # every fourth beat looks at the memory of the processes


class PluginHost:
    """All plugins: Hearth's own, which run in this process, and strangers', which have a process each.

    Thread: coroutines on any event loop, everything else on any thread. What takes long is done on threads called
    `hearth-plugins`; `start` and `close` by one thread at a time.

    Attributes:
        is_safe: whether strangers' plugins stay out.
    """

    def __init__(
        self,
        bundled_dir: Path,
        user_dir: Path,
        state_path: Path,
        registry: Registry,
        *,
        is_safe: bool = False,
        is_development: bool = False,
        is_idle: bool = False,
        isolate: Isolate = isolate,
    ) -> None:
        """Make a host; nothing is read yet.

        Args:
            bundled_dir: folder of the plugins that come with Hearth.
            user_dir: folder of the user's plugins; it need not exist.
            state_path: file of what the user has decided; it need not exist.
            registry: gets what the plugins offer.
            is_safe: leave strangers' plugins out.
            is_development: run an allowed plugin anew when its files change, without asking, until the host is closed.
            is_idle: run no plugin: for lists and decisions on the command line. A plugin is then called active if it
                would run.
            isolate: makes the process of a stranger's plugin.
        """
        self.is_safe = is_safe
        self._bundled_dir, self._user_dir, self._state_path = bundled_dir, user_dir, state_path
        self._is_development, self._is_idle = is_development, is_idle
        self._registry = registry
        self._isolate = isolate
        self._store = ConsentStore(state_path)
        self._crashed: tuple[str, ...] = ()
        self._turn = threading.Lock()  # held while plugins come and go, which reads and renames folders
        self._lock = threading.Lock()
        self._plugins: dict[str, HostedPlugin] = {}  # guarded by _lock; replaced, never changed
        self._infos: dict[str, tuple[int, PluginInfo]] = {}  # guarded by _lock
        self._snapshot: tuple[PluginInfo, ...] = ()  # written under _lock
        self._listeners: tuple[Callable[[], None], ...] = ()  # guarded by _lock; replaced, never changed
        self._moments = itertools.count()
        self._open: OpenHost | None = None

    @property
    def crashed(self) -> tuple[str, ...]:
        """Plugins that were at work when Hearth last ended unexpectedly; strangers' among them wait to be started."""
        return self._crashed

    def start(self) -> None:
        """Load the bundled plugins, and begin to find and start the others in the background."""
        if self._open is not None:
            return
        elsewhere = Elsewhere(self._user_dir, self._state_path)
        self._store.load()
        self._crashed = () if self._is_idle else collect_crashes(self._state_path.parent)
        bundled = discover(self._bundled_dir)
        opened = self._open = OpenHost(self._surroundings(bundled), elsewhere, self._watch, self._keep_samples)
        for found in bundled:
            self._add(HostedPlugin(found, opened.around, is_bundled=True)).start(found)
        opened.found = opened.submit(lambda: self._find_strangers(opened))
        if self._is_idle:
            for future in opened.found.result():
                future.result()
        else:
            opened.beat.ensure()

    async def settled(self) -> None:
        """Wait until every plugin that was to start with the host has started, or failed to."""
        opened = self._require_open()
        if opened.found is not None:
            for future in await asyncio.wrap_future(opened.found):
                await asyncio.wrap_future(future)

    def close(self) -> None:
        """End all processes and threads; the bundled plugins stay in the registry. Blocks for as long as they take."""
        opened, self._open = self._open, None
        if opened is None:
            return
        opened.beat.close()
        plugins = list(self._plugins.values())
        for plugin in plugins:
            plugin.interrupt()
        opened.pool.shutdown(wait=True, cancel_futures=True)
        for plugin in self._plugins.values():  # with those that came meanwhile
            if not plugin.is_bundled:
                plugin.stop()
        opened.around.marker.close()
        with self._lock:
            self._plugins, self._infos, self._snapshot = {}, {}, ()

    def snapshot(self) -> tuple[PluginInfo, ...]:
        """All plugins that were found, bundled ones first."""
        return self._snapshot

    def permits(self, plugin: str, kind: PermissionKind) -> bool:
        """Whether a plugin runs and may do something."""
        known = self._plugins.get(plugin)
        if known is None or known.manifest is None or not known.is_running:
            return False
        return any(permission.kind is kind for permission in known.manifest.permissions)

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when the snapshot is another one, on any thread; returns what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, callback)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(known for known in self._listeners if known is not callback)

        return remove

    async def enable(self, plugin: str, digest: str = "") -> None:
        """Let a plugin run, now and from now on.

        Args:
            plugin: its id.
            digest: of the files that the user has looked at and allowed (`PluginInfo.digest`); empty: no others than
                were allowed before.

        Raises:
            PluginError: its files are others, nothing was allowed yet, or it failed to start.
        """
        await self._do(lambda: self._require(plugin).enable(digest))

    async def disable(self, plugin: str) -> None:
        """Stop a plugin, now and at the next start.

        Raises:
            PluginError: there is none, or it could not be kept.
        """
        await self._do(lambda: self._require(plugin).disable())

    async def reload(self, plugin: str) -> None:
        """Run a plugin anew from its files, also one that was stopped.

        Raises:
            PluginError: there is none, its files are no longer those that were allowed, or it failed to start.
        """
        await self._do(lambda: self._require(plugin).reload())

    async def remove(self, plugin: str) -> None:
        """Stop a plugin of the user's, delete its folder and forget its settings.

        Raises:
            PluginError: there is none, it came with Hearth, or its folder could not be removed.
        """
        await self._do(lambda: self._remove(self._require(plugin)))

    async def install(self, path: Path) -> PluginInfo:
        """Copy a plugin into the user's folder; it then waits for consent, even if an earlier version had it.

        Args:
            path: a folder or a zip.

        Raises:
            PluginRefusedError: it breaks a rule; says which.
            PluginError: it could not be copied.
        """
        return await self._do(lambda: self._install(path))

    async def set_settings(self, plugin: str, values: Values) -> None:
        """Change settings of a plugin; those that are not given stay. It runs anew if it is running.

        Raises:
            InvalidRequestError: a value is wrong.
            PluginError: there is no such plugin, they could not be kept, or it failed to start with them.
        """
        await self._do(lambda: self._require(plugin).set_settings(values))

    def _surroundings(self, bundled: tuple[FoundPlugin, ...]) -> Surroundings:
        return Surroundings(
            registry=self._registry,
            store=self._store,
            marker=CrashMarker(self._state_path.parent),
            isolate=self._isolate,
            changed=self._changed,
            reserved=frozenset(found.id for found in bundled),
            is_safe=self.is_safe,
            is_idle=self._is_idle,
            is_development=self._is_development,
        )

    def _find_strangers(self, opened: OpenHost) -> list[Future[None]]:
        """Find the user's plugins, and have each of them started."""
        if not self._is_idle:
            empty_trash(self._user_dir)
        starts = []
        with self._turn:
            for found in discover(self._user_dir):
                self._stop_if_crashed(found.id)
                plugin = self._add(HostedPlugin(found, opened.around, is_bundled=False))
                starts.append(opened.submit(partial(plugin.start, found)))
        return starts

    def _catch_up(self, opened: OpenHost) -> None:
        """Take over what another process of Hearth has installed, removed or decided."""
        self._store.load()
        with self._turn:
            folders = plugin_folders(self._user_dir)
            known = {plugin.folder: plugin for plugin in self._plugins.values() if not plugin.is_bundled}
            for folder, plugin in known.items():
                if folder not in folders:
                    self._drop(plugin)
            for folder in folders:
                if folder not in known:
                    plugin = self._add(HostedPlugin(look(folder), opened.around, is_bundled=False))
                    opened.submit(plugin.start)
        for plugin in self._plugins.values():
            if plugin.is_outdated:
                opened.submit(partial(self._catch_up_with, plugin))

    def _catch_up_with(self, plugin: HostedPlugin) -> None:
        if self._plugins.get(plugin.id) is plugin:
            plugin.catch_up()

    def _stop_if_crashed(self, plugin: str) -> None:
        if plugin not in self._crashed or plugin in {known.id for known in self._plugins.values()}:
            return
        try:
            self._store.change(plugin, lambda decision: replace(decision, stopped=CRASHED))
        except PluginError as error:
            log.error("%s", error)

    def _add(self, plugin: HostedPlugin) -> HostedPlugin:
        with self._lock:
            self._plugins = {**self._plugins, plugin.id: plugin}
        self._changed(plugin.id)
        return plugin

    def _require(self, plugin: str) -> HostedPlugin:
        """A plugin by its id; one whose folder has come since the start is taken in."""
        known = self._plugins.get(plugin)
        if known is not None:
            return known
        folder = self._user_dir / folder_name(plugin)
        if is_plugin_id(plugin) and folder.is_dir():
            with self._turn:
                come = HostedPlugin(look(folder), self._require_open().around, is_bundled=False)
                return self._plugins.get(come.id) or self._add(come)
        names = ", ".join(sorted(self._plugins)) or "none"
        raise PluginError(plugin, f"There is no plugin called {plugin}.", f"Known are: {names}.")

    def _remove(self, plugin: HostedPlugin) -> None:
        if plugin.is_bundled:
            raise PluginError(plugin.id, f"The plugin {plugin.id} came with Hearth.", "Disable it instead.")
        with self._turn:
            plugin.stop()
            remove_folder(self._user_dir, plugin.folder)
            self._store.put(plugin.id, None)
            self._drop(plugin)

    def _drop(self, plugin: HostedPlugin) -> None:
        """Forget a plugin whose folder is gone."""
        plugin.stop()
        plugin.interrupt()
        with self._lock:
            self._plugins = {known: hosted for known, hosted in self._plugins.items() if hosted is not plugin}
        self._changed(plugin.id)

    def _install(self, path: Path) -> PluginInfo:
        from engine.plugins.install import install_into  # needed by those only who install something

        opened = self._require_open()
        with self._turn:
            found = look(install_into(self._user_dir, path))
            earlier = self._plugins.get(found.id)
            if earlier is not None:
                earlier.stop()
                earlier.interrupt()
            if self._store.get(found.id) != Decision():
                self._store.change(found.id, lambda decision: Decision(settings=decision.settings))
            plugin = self._add(HostedPlugin(found, opened.around, is_bundled=False))
        plugin.start(found)
        return plugin.info()

    def _changed(self, plugin: str) -> None:
        """Make the snapshot anew; plugins call this after whatever changes them."""
        moment = next(self._moments)  # before looking: of two looks at the same time the later one counts
        known = self._plugins.get(plugin)
        info = known.info() if known is not None else None
        with self._lock:
            before = self._infos.get(plugin, (-1, None))
            if moment < before[0] or info == before[1]:
                return
            if info is not None:
                self._infos[plugin] = (moment, info)
            else:
                del self._infos[plugin]
            infos = (entry[1] for entry in self._infos.values())
            self._snapshot = tuple(sorted(infos, key=lambda each: (not each.is_bundled, each.id)))
            listeners = self._listeners
        for callback in listeners:
            try:
                callback()
            except Exception:  # a listener's fault must not reach the plugin that changed
                log.exception("A listener of the plugins failed")

    def _watch(self, opened: OpenHost) -> None:
        """What is done every half second."""
        if (opened.catching_up is None or opened.catching_up.done()) and opened.elsewhere.has_changed():
            opened.catching_up = opened.submit(lambda: self._catch_up(opened))
        opened.sampler.sample_due(list(self._registry.telemetry()))
        strangers = [plugin for plugin in self._plugins.values() if not plugin.is_bundled]
        if next(opened.beats) % MEMORY_BEATS == 0:
            for plugin in strangers:
                if plugin.is_running:
                    self._changed(plugin.id)
        if self._is_development:
            folders = {plugin.folder: plugin for plugin in strangers}
            stamps = {folder: plugin.started_from for folder, plugin in folders.items()}
            for folder in opened.trees.changed({f: stamp for f, stamp in stamps.items() if stamp is not None}):
                opened.submit(folders[folder].adopt_changes)

    def _keep_samples(self, plugin: str, source: str, samples: tuple[Sample, ...]) -> None:
        known = self._plugins.get(plugin)
        if known is not None:
            known.keep_samples(source, samples)

    async def _do(self, function: Callable[[], T]) -> T:
        future = self._require_open().submit(function)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if future.cancelled() and self._open is None:
                raise EngineClosedError("The engine was closed.") from None
            raise

    def _require_open(self) -> OpenHost:
        if self._open is None:
            raise EngineClosedError("The engine is not open.", "Use it inside `async with Engine(...)`.")
        return self._open
