"""Running: what a plugin has in the registry now, and the process behind it, if it has one."""

import threading
from collections.abc import Callable

from engine.errors import PluginError
from engine.plugins.infos import PluginState
from engine.plugins.isolation import Isolated, Status
from engine.plugins.noting import noted
from engine.plugins.offers import Offers
from engine.plugins.surroundings import Surroundings


class Running:
    """The offers of one plugin, from its start to its end, as often as it is started.

    Thread: any; starting and stopping, one at a time.
    """

    def __init__(self, plugin: str, around: Surroundings) -> None:
        self._plugin = plugin
        self._around = around
        self._lock = threading.Lock()  # never held while anything waits
        self._offers: Offers | None = None  # written under _lock
        self._process: Isolated | None = None  # written under _lock
        self._is_down = False  # guarded by _lock: whether the process is being started again
        self._is_ending = False  # guarded by _lock

    @property
    def offers(self) -> Offers | None:
        """What can be used of it; None while it does not run."""
        return self._offers

    def status(self) -> Status | None:
        """How its process is; None without one, and until its offers are in the registry."""
        process = self._process
        return process.status() if process is not None and self._offers is not None else None

    def begin(self, offers: Offers) -> None:
        """Take the offers of a plugin that runs in this process."""
        with self._lock:
            self._offers = noted(offers, lambda: self._around.marker.running(self._plugin))
            self._around.registry.put(self._plugin, self._offers)

    def begin_outside(self, make: Callable[[Callable[[], None]], Isolated]) -> None:
        """Start a process, and take its offers.

        Args:
            make: makes the process, given what to call when its status is another.

        Raises:
            PluginError: it could not be started, or everything is ending.
        """
        process = make(self._process_changed)
        with self._lock:
            if self._is_ending:
                raise PluginError(self._plugin, "Hearth is closing.")
            self._process = process
        try:
            with self._around.marker.running(self._plugin):
                offers = process.start()
        except PluginError:
            with self._lock:
                self._process = None
            process.stop()
            raise
        with self._lock:
            self._offers, self._is_down = noted(offers, lambda: self._around.marker.running(self._plugin)), False
            self._around.registry.put(self._plugin, self._offers, is_stranger=True)
        self._process_changed()  # it may have failed since

    def end(self) -> None:
        """Take the offers back, and end the process, if there is one; waits until it has ended."""
        with self._lock:
            process, self._process, self._offers = self._process, None, None
            self._around.registry.drop(self._plugin)
        if process is not None:
            process.stop()

    def end_for_good(self) -> None:
        """End the process, even while it is being started, and never start one again."""
        with self._lock:
            self._is_ending, process = True, self._process
        if process is not None:
            process.stop()

    def _process_changed(self) -> None:
        """Called by the process on any thread, which it may need for what others wait for."""
        with self._lock:
            if self._process is not None and self._offers is not None:
                state = self._process.status().state
                # While it is started again its offers stay: whoever uses them is told by each call.
                if state is PluginState.STOPPED:
                    self._around.registry.drop(self._plugin)
                elif state is PluginState.ACTIVE and self._is_down:
                    # It may have failed to answer which models it knows; now it is asked again.
                    self._around.registry.put(self._plugin, self._offers, is_stranger=True)
                self._is_down = state is not PluginState.ACTIVE
        self._around.changed(self._plugin)
