"""ConsentStore: what the user has decided about each plugin, in one small file."""

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from engine.errors import PluginError
from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

MAX_BYTES: Final = 8 << 20

Stored = bool | int | float | str | list[str]
"""What a setting can be in JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is known of one plugin from earlier.

    Attributes:
        digest: of the files that the user has allowed to run; empty: none.
        is_enabled: whether it is to run.
        settings: what the user filled in.
        stopped: why it must not start by itself, in a sentence; empty: it may.
    """

    digest: str = ""
    is_enabled: bool = True
    settings: dict[str, Stored] = field(default_factory=dict)
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class _File:
    version: int
    plugins: dict[str, Decision]


class ConsentStore:
    """The decisions about all plugins.

    Every change is read, made and written under a lock that other processes of Hearth respect, and is on the disk when
    `put` returns.

    Thread: any.

    Attributes:
        damaged: where an unreadable file was put aside, so that everything asks again; None if there was none.
    """

    def __init__(self, path: Path) -> None:
        """Make a store.

        Args:
            path: of the file; it need not exist, nor its folder.
        """
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Decision] = {}  # guarded by _lock; replaced, never changed
        self.damaged: Path | None = None

    def load(self) -> None:
        """Read the file; without one, nothing is decided."""
        with self._lock:
            try:
                self._known = self._read()
            except OSError as error:
                # Nothing is allowed then, and `put` fails instead of writing over what could not be read.
                log.error("%s cannot be read (%s); no plugin of yours will start", self._path, error)
                self._known = {}

    def get(self, plugin: str) -> Decision:
        """What is decided about a plugin; the defaults if nothing is."""
        return self._known.get(plugin, Decision())

    def put(self, plugin: str, decision: Decision | None) -> None:
        """Keep a decision; None forgets everything about the plugin.

        Raises:
            PluginError: it could not be written; what was decided before is still true.
        """
        self.change(plugin, lambda _: decision)

    def change(self, plugin: str, change: Callable[[Decision], Decision | None]) -> None:
        """Change a decision as it is on the disk now, where another process may have changed it meanwhile.

        Args:
            plugin: whose.
            change: gets what is decided, gives what is to be decided; None forgets everything about the plugin.

        Raises:
            PluginError: it could not be written; what was decided before is still true.
        """
        with self._lock:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with exclusive(self._path):
                    known = self._read()
                    decision = change(known.pop(plugin, Decision()))
                    if decision is not None:
                        known[plugin] = decision
                    replace_file(self._path, _encoded(known))
            except OSError as error:
                cause = f"What you decided about plugins cannot be kept in {self._path}: {error.strerror or error}."
                raise PluginError(
                    plugin, cause, "Check that the disk has room and the folder can be written."
                ) from error
            self._known = known

    def _read(self) -> dict[str, Decision]:
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        import msgspec  # takes 60 ms, which nobody without plugins of others needs to wait for

        try:
            if len(data) > MAX_BYTES:
                raise ValueError("it is too large")
            return msgspec.json.decode(data, type=_File).plugins
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            self._put_aside(error)
            return {}

    def _put_aside(self, why: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.corrupt.{time.time_ns() // 1_000_000}")
        os.replace(self._path, aside)
        self.damaged = aside
        log.error("%s is damaged (%s) and was put aside as %s; every plugin asks again", self._path, why, aside.name)


def _encoded(known: dict[str, Decision]) -> bytes:
    """The decisions as they are written; defaults are left out."""
    import msgspec

    plain = Decision()
    plugins = {
        plugin: {name: value for name, value in asdict(decision).items() if value != getattr(plain, name)}
        for plugin, decision in known.items()
    }
    return msgspec.json.format(msgspec.json.encode({"version": 1, "plugins": plugins})) + b"\n"
