"""Network: the switch that all use of the network obeys, and the means to end a wait for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.errors import OfflineError


class Network:
    """Whether the network may be used; one for everything that does.

    Thread: any.
    """

    def __init__(self, *, is_offline: bool = False) -> None:
        """Make one that is on, or off."""
        self._lock = threading.Lock()
        self._is_offline = is_offline
        self._watchers: dict[int, Callable[[], None]] = {}  # guarded by _lock

    @property
    def is_offline(self) -> bool:
        """Whether all use of the network is switched off."""
        return self._is_offline

    def check(self) -> None:
        """Do nothing while the network may be used.

        Raises:
            OfflineError: it is switched off.
        """
        if self._is_offline:
            cause = "Hearth is switched to offline, and this needs the network."
            raise OfflineError(cause, "Switch offline off, or use models that are here.")

    def set_offline(self, is_offline: bool) -> None:
        """Switch it off or on; whatever is under way then ends at once."""
        with self._lock:
            self._is_offline = is_offline
            watchers = list(self._watchers.values()) if is_offline else []
        for cut in watchers:
            cut()

    @contextmanager
    def watch(self, cut: Callable[[], None]) -> Iterator[None]:
        """Have something called, on another thread, when the network is switched off meanwhile.

        Raises:
            OfflineError: it is switched off already.
        """
        with self._lock:
            self.check()
            self._watchers[id(cut)] = cut
        try:
            yield
        finally:
            with self._lock:
                self._watchers.pop(id(cut), None)
