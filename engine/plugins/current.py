"""Current: what is open for a loaded model, and opened anew when the plugins that serve it have changed."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.plugins.contract.models import ModelFacts
from engine.plugins.registry import Registry, Served

T = TypeVar("T")


class Current(Generic[T]):
    """A format, or several, of one loaded model.

    A plugin may be disabled, reloaded or installed while a model is loaded; what it had opened is of no use then.

    Thread: any.
    """

    def __init__(
        self,
        registry: Registry,
        facts: ModelFacts,
        serving: Callable[[Served], tuple[object, ...]],
        open_: Callable[[ModelFacts], T],
    ) -> None:
        """Open it.

        Args:
            registry: of the plugins.
            facts: of the model.
            serving: who serves the model, of all that is said about that; what is open is good as long as these are
                the same objects.
            open_: opens it anew.

        Raises:
            EngineError: a plugin refuses the model.
        """
        self._registry = registry
        self._facts = facts
        self._serving = serving
        self._open = open_
        self._lock = threading.Lock()
        self._version = registry.version
        self._servers = serving(registry.serve(facts, wait=True))
        self._opened = open_(facts)

    @property
    def is_stale(self) -> bool:
        """Whether plugins have changed, so that `get` asks them and may have to wait for one."""
        return self._version != self._registry.version

    @property
    def latest(self) -> T:
        """What was opened last, without asking anybody."""
        return self._opened

    def get(self) -> T:
        """What is open; opened anew if others serve the model now.

        Raises:
            EngineError: a plugin refuses the model.
        """
        if self.is_stale:
            self._refresh()
        return self._opened

    def _refresh(self) -> None:
        with self._lock:
            version = self._registry.version
            if version == self._version:
                return  # another thread was quicker
            servers = self._serving(self._registry.serve(self._facts, wait=True))
            if len(servers) != len(self._servers) or any(
                a is not b for a, b in zip(servers, self._servers, strict=True)
            ):
                self._opened = self._open(self._facts)
                self._servers = servers
            self._version = version
