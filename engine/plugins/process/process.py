"""PluginProcess: a stranger's plugin in a process of its own, started again when it fails, stopped when it fails often.

What is contained here, and what would not be inside Hearth's own process: see `tests/app/plugins/test_misbehaviour*`
for each case. In short, a plugin inside Hearth that raises is contained as well; one that hangs, crashes, forks, fills
the memory or changes what others use can stop the app.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine.errors import EngineError, PluginError
from engine.plugins.contract.values import Values
from engine.plugins.digest import tree_digest
from engine.plugins.infos import PluginState
from engine.plugins.manifest import Manifest
from engine.plugins.offers import OfferCollector, Offers
from engine.plugins.process.confinement import unenforced as unenforced
from engine.plugins.process.connection import FaultError
from engine.plugins.process.descriptions import Description
from engine.plugins.process.life import Life
from engine.plugins.process.limits import ProcessLimits
from engine.plugins.process.proxies import register_proxies
from engine.plugins.process.wire import WireError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How the process of a plugin is.

    Attributes:
        state: STARTING, ACTIVE or STOPPED; DISABLED before `start` and after `stop`.
        reason: what it has done wrong last, in a sentence; empty if nothing.
        details: for copying: a traceback, or the end of its output.
        failures: that still count.
        memory_bytes: resident; None while there is no process.
    """

    state: PluginState
    reason: str = ""
    details: str = ""
    failures: int = 0
    memory_bytes: int | None = None


class PluginProcess:
    """Runs one plugin in its own process.

    Thread: any; `start` and `stop` wait and must not be called on a thread that others wait for. A thread of its own,
    `hearth-plugin-ID`, starts, watches and ends the process.

    Args:
        folder: of the plugin.
        manifest: as read from it.
        settings: values of all its settings.
        on_change: called on any thread, without arguments, when the state has changed.
        limits: only tests give others.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        settings: Values,
        on_change: Callable[[], None],
        limits: ProcessLimits | None = None,
    ) -> None:
        self._folder = folder
        self._manifest = manifest
        self._settings = settings
        self._on_change = on_change
        self._limits = limits or ProcessLimits()
        self._lock = threading.Lock()
        self._state = PluginState.DISABLED  # guarded by _lock
        self._life: Life | None = None  # guarded by _lock; the one that can be called
        self._newest: Life | None = None
        self._last: FaultError | None = None  # guarded by _lock
        self._failures: deque[float] = deque()  # guarded by _lock; when they were
        self._stopping = threading.Event()
        self._started = threading.Event()
        self._offers: Offers | None = None  # set before _started
        self._description: Description | None = None  # of its thread
        self._digest = ""  # of its files, when it was started first
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None  # guarded by _starting

    def start(self) -> Offers:
        """Start the process, and wait until the plugin has registered; to be called once.

        Returns:
            Proxies of all that it offers. They go on working after it has been started again.

        Raises:
            PluginError: it could not be started, or has failed while starting.
        """
        thread = threading.Thread(target=self._work, name=f"hearth-plugin-{self._manifest.id}", daemon=True)
        with self._starting:  # `stop` must not find a thread that does not run yet
            self._thread = thread
            thread.start()
        self._started.wait()
        if self._offers is not None:
            return self._offers
        with self._lock:
            last = self._last
        raise self._error(last or FaultError("was stopped while it was starting"))

    def stop(self) -> None:
        """End the process, if there is one, and wait until it has ended. May be called more than once."""
        self._stopping.set()
        with self._lock:
            life = self._newest
        if life is not None:
            life.changed.set()
        with self._starting:
            thread = self._thread
        if thread is not None:
            thread.join()

    def status(self) -> ProcessStatus:
        """How it is; cheap."""
        with self._lock:
            self._forget_old_failures()
            last, life, failures = self._last, self._life, len(self._failures)
            state = self._state
        memory = life.memory_bytes if life else None
        if last is None:
            return ProcessStatus(state, memory_bytes=memory)
        return ProcessStatus(state, self._error(last).cause, last.details, failures, memory)

    def ask(self, do: Callable[[Life], T]) -> T:
        """Do something with the process that runs now.

        Raises:
            PluginError: it failed, or there is none.
            EngineError: the plugin's own.
        """
        with self._lock:
            life, last, state = self._life, self._last, self._state
        if life is None:
            is_over = state is PluginState.STOPPED and last is not None
            raise self._error(last if is_over and last else FaultError("is not running"))
        try:
            return do(life)
        except FaultError as fault:
            self._blame(life, fault)
            raise self._error(fault) from None
        except WireError as error:  # our own values cannot be handed over
            cause = f"The plugin {self._manifest.name} was to be given {error}."
            raise PluginError(self._manifest.id, cause, "Give it less, or leave it out.") from error

    def _error(self, fault: FaultError) -> PluginError:
        with self._lock:
            state = self._state
        if state is PluginState.STOPPED:
            remedy = "It stays stopped until you enable it again; its author may want to see the details."
        elif fault.is_fatal:
            remedy = "Hearth starts it again by itself; try once more in a moment."
        else:
            remedy = "Its author can say more; the details say where it failed."
        return PluginError(self._manifest.id, f"The plugin {self._manifest.name} {fault.what}.", remedy, fault.details)

    def _blame(self, life: Life, fault: FaultError) -> None:
        """Deal with a failure that a caller has found. One that ends the process is counted by who ends it."""
        if fault.is_fatal or self._note(fault):
            life.blame(fault)

    def _note(self, fault: FaultError) -> bool:
        """Count a failure; whether it was one too many."""
        with self._lock:
            self._last = fault
            self._failures.append(time.monotonic())
            self._forget_old_failures()
            return len(self._failures) >= self._limits.failures

    def _forget_old_failures(self) -> None:
        oldest_s = time.monotonic() - self._limits.failure_window_s
        while self._failures and self._failures[0] < oldest_s:
            self._failures.popleft()

    def _enter(self, state: PluginState, life: Life | None = None) -> None:
        with self._lock:
            is_new = state is not self._state
            self._state, self._life = state, life
        if is_new:
            self._on_change()

    # ---------------------------------------------------------------------------------------------- its own thread

    def _work(self) -> None:
        try:
            while not self._stopping.is_set() and self._live():
                with self._lock:
                    waits = min(len(self._failures), len(self._limits.backoff_s))
                self._stopping.wait(self._limits.backoff_s[max(0, waits - 1)])
            if self._stopping.is_set():
                self._enter(PluginState.DISABLED)
        finally:
            self._started.set()  # whatever happens, nobody waits for ever

    def _live(self) -> bool:
        """Start the process and watch it to its end; whether to start it again."""
        self._enter(PluginState.STARTING)
        try:
            self._check_files()
            life = self._newest = Life(self._folder, self._manifest, self._limits)
        except FaultError as fault:
            return self._goes_on(fault)
        try:
            self._introduce(life)
            while not self._stopping.is_set():
                life.changed.wait(life.tick_s())
                life.check()
        except FaultError as fault:
            # A stopped plugin must not look like a failed one. First the state, since calls end with `end`.
            goes_on = not self._stopping.is_set() and self._goes_on(fault)
            life.end(fault, partial(self._complete, fault))
            return goes_on
        self._enter(PluginState.DISABLED)
        life.end(FaultError("was stopped"))
        return False

    def _complete(self, fault: FaultError, ended: FaultError) -> None:
        """Remember all that is known about the last failure, unless there has been another one since."""
        with self._lock:
            self._last = ended if self._last is fault else self._last

    def _check_files(self) -> None:
        """Make sure that what is started again are the files that were started first, which the user has allowed."""
        try:
            digest = tree_digest(self._folder)
        except PluginError as error:
            raise FaultError(f"has files that cannot be used: {error.cause}") from error
        if digest != (self._digest or digest):
            raise FaultError("has other files now than those that were allowed to run")
        self._digest = digest

    def _goes_on(self, fault: FaultError) -> bool:
        # What fails at its first start is not tried again. What is not fatal has been counted, and was one too many.
        is_over = not fault.is_fatal or self._note(fault) or not self._started.is_set()
        log.warning("The plugin %s %s.", self._manifest.name, fault.what)
        self._enter(PluginState.STOPPED if is_over else PluginState.STARTING)
        return not is_over

    def _introduce(self, life: Life) -> None:
        """Have the plugin loaded, and take what it offers."""
        try:
            description = life.describe(self._folder, self._settings, self._stopping)
            if self._description is None:
                collector = OfferCollector(self._manifest, self._settings)
                register_proxies(self, description, collector)
                self._offers = collector.finish()
                self._description = description
        except EngineError as error:
            details = error.details if isinstance(error, PluginError) else ""
            what = error.cause.removeprefix(f"The plugin {self._manifest.name} ").rstrip(".")
            raise FaultError(what, details) from error
        except WireError as error:
            raise FaultError(f"was to be given settings of {error}") from error
        except FaultError as fault:
            raise FaultError(fault.what, fault.details) from fault  # without a start it cannot go on
        if description != self._description:
            raise FaultError("offers something else than when it was started first")
        self._enter(PluginState.ACTIVE, life)
        self._started.set()
