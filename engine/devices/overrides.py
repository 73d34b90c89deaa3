"""Overrides: the device that a person has chosen for a model, kept between runs."""

import logging
import threading
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import ConfigError
from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

_LARGEST_BYTES: Final = 1 << 20


class Overrides:
    """Which device each model must run on, by the model's id.

    Thread: any.
    """

    def __init__(self, file: Path) -> None:
        """Read the file when it is first needed; a broken one counts as empty and is replaced at the next change."""
        self._file = file
        self._lock = threading.Lock()
        self._devices: dict[str, str] | None = None  # guarded by _lock

    def of(self, model: str) -> str:
        """Id of the device that was chosen for a model; empty for none."""
        with self._lock:
            return self._known().get(model, "")

    def choose(self, model: str, device: str) -> None:
        """Choose a device for a model; an empty id takes the choice back.

        Raises:
            ConfigError: it cannot be kept.
        """
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._lock, exclusive(self._file):
                self._devices = None  # another process may have changed it
                devices = {**self._known(), model: device}
                kept = {name: chosen for name, chosen in sorted(devices.items()) if chosen}
                replace_file(self._file, msgspec.json.format(msgspec.json.encode(kept)))
                self._devices = kept
        except OSError as error:
            raise ConfigError(f"The choice cannot be kept in {self._file}: {error.strerror}.", "Free space.") from error

    def _known(self) -> dict[str, str]:
        if self._devices is None:
            self._devices = self._read()
        return self._devices

    def _read(self) -> dict[str, str]:
        try:
            with self._file.open("rb") as file:
                return msgspec.json.decode(file.read(_LARGEST_BYTES), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            log.warning("%s cannot be read (%s); no device is taken as chosen", self._file, error)
            return {}
