"""Keeps what was measured: rates per device and route, and what real requests have shown, in one small file.

The file may be deleted at any time; a broken one counts as empty. Entries of routes that have changed (another driver,
another library) stay until they are replaced, but are not found any more.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.devices.prediction import Rates
from engine.hardware import DeviceInfo, Route
from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

_LARGEST_BYTES: Final = 4 << 20
_FORMAT: Final = 1

Key = tuple[str, str, str]
"""Device, backend, interface."""


class _File(msgspec.Struct, frozen=True):
    """What the file holds."""

    format: int = _FORMAT
    rates: tuple[Rates, ...] = ()


class RateStore:
    """The newest rates of each device through each route.

    Thread: any.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """Read the file when it is first needed.

        Args:
            file: `home/rates.json`, say.
            clock: seconds since 1970.
        """
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._rates: dict[Key, Rates] | None = None  # guarded by _lock

    def all(self) -> tuple[Rates, ...]:
        """The newest of each device and route, sorted by these."""
        with self._lock:
            known = self._known()
            return tuple(known[key] for key in sorted(known))

    def find(self, device: str, route: Route) -> Rates | None:
        """What was measured of a device through this version of a route."""
        with self._lock:
            rates = self._known().get((device, route.backend, route.interface))
        return rates if rates is not None and rates.version == route.version else None

    def missing(self, devices: tuple[DeviceInfo, ...]) -> tuple[tuple[DeviceInfo, Route], ...]:
        """The usable routes that have not been measured, or not in this version."""
        return tuple(
            (device, route)
            for device in devices
            for route in device.routes
            if not device.fault and not route.fault and self.find(device.id, route) is None
        )

    def age_s(self, rates: Rates) -> float:
        """Seconds since they were measured; 0 if the clock was set back since."""
        return max(0.0, self._clock() - rates.measured_at)

    def put(self, rates: Rates) -> None:
        """Keep new rates, unless newer ones of this device and route are there.

        Raises:
            OSError: the file cannot be written; the rates are known until the program ends.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, exclusive(self._file):
            known = {**self._read(), **(self._rates or {})}  # another process may have measured meanwhile
            for key, found in self._read().items():
                if found.measured_at > known[key].measured_at:
                    known[key] = found
            key = key_of(rates)
            if key not in known or rates.measured_at >= known[key].measured_at:
                known[key] = rates
            self._rates = known
            replace_file(self._file, encoded(_File(rates=tuple(known[key] for key in sorted(known)))))

    def _known(self) -> dict[Key, Rates]:
        if self._rates is None:
            self._rates = self._read()
        return self._rates

    def _read(self) -> dict[Key, Rates]:
        try:
            with self._file.open("rb") as file:
                found = msgspec.json.decode(file.read(_LARGEST_BYTES), type=_File)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, RecursionError) as error:
            log.warning("%s cannot be read (%s); the devices are measured again", self._file, error)
            return {}
        newest: dict[Key, Rates] = {}
        for rates in found.rates if found.format == _FORMAT else ():
            if key_of(rates) not in newest or rates.measured_at > newest[key_of(rates)].measured_at:
                newest[key_of(rates)] = rates
        return newest


def key_of(rates: Rates) -> Key:
    """What rates are known by."""
    return rates.device, rates.backend, rates.interface


def encoded(value: Any) -> bytes:
    """JSON of values that may hold read-only mappings."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")
