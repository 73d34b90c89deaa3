"""Speeds: how fast models wrote their last answers here, kept in memory and written down now and then."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.errors import ConfigError
from engine.models.notes import Notes

log = logging.getLogger(__name__)

Speed = tuple[float, str]
"""Tokens (or images) per second, and the device."""


class Speeds:
    """Measured speeds.

    Thread: any; only `flush` waits for the disk.
    """

    def __init__(self, notes: Notes) -> None:
        """Know nothing yet.

        Args:
            notes: keep them.
        """
        self._notes = notes
        self._lock = threading.Lock()
        self._new: dict[Path, Speed] = {}  # guarded by _lock
        self._version = 0  # guarded by _lock

    def note(self, path: Path, tokens_per_s: float, device: str) -> None:
        """Note how fast a model was; microseconds."""
        with self._lock:
            self._new[path] = (tokens_per_s, device)
            self._version += 1

    @property
    def version(self) -> int:
        """How many were noted."""
        with self._lock:
            return self._version

    def new(self) -> Mapping[Path, Speed]:
        """What was not written down yet."""
        with self._lock:
            return dict(self._new)

    def flush(self) -> None:
        """Write down what is new; where that cannot be done it is forgotten."""
        with self._lock:
            new, self._new = self._new, {}
        for path, (speed, device) in new.items():
            try:
                self._notes.change(path, lambda note: replace(note, tokens_per_s=speed, measured_on=device))  # noqa: B023
            except ConfigError as error:
                log.warning("the speed of %s cannot be kept: %s", path.name, error)
