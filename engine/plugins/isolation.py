"""The seam between the host and the processes of strangers' plugins, which are loaded only when there are any."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine.plugins.contract.values import Values
from engine.plugins.infos import PluginState
from engine.plugins.manifest import Manifest
from engine.plugins.offers import Offers


class Status(Protocol):
    """How the process of a plugin is."""

    @property
    def state(self) -> PluginState:
        """ACTIVE, STARTING or STOPPED."""

    @property
    def reason(self) -> str:
        """A sentence about a state other than ACTIVE, or the last failure; may be empty."""

    @property
    def details(self) -> str:
        """The end of its output, or a traceback; may be empty."""

    @property
    def failures(self) -> int:
        """In the last five minutes."""

    @property
    def memory_bytes(self) -> int | None:
        """That it uses now."""


class Isolated(Protocol):
    """A plugin in its own process."""

    def start(self) -> Offers:
        """Start it; blocks as long as its limits allow.

        Raises:
            PluginError: it failed.
        """

    def stop(self) -> None:
        """End it; from any thread, even while it is being started."""

    def status(self) -> Status:
        """How it is; quick."""


Isolate = Callable[[Path, Manifest, Values, Callable[[], None]], Isolated]
"""Makes the process of a plugin: its folder, manifest, settings, and what to call when its status is another."""


def isolate(folder: Path, manifest: Manifest, settings: Values, on_change: Callable[[], None]) -> Isolated:
    """A plugin in a process of its own, not started yet."""
    from engine.plugins.process.process import PluginProcess  # imported by those only who have plugins of strangers

    return PluginProcess(folder, manifest, settings, on_change)


@functools.cache
def unenforced() -> tuple[str, ...]:
    """What is not enforced on this system, a sentence each."""
    from engine.plugins.process.confinement import unenforced as ask

    return ask()
