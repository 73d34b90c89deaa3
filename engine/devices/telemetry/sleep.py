"""Devices that are switched off to save power, and how to look at them without keeping them on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from engine.devices.telemetry.kept_file import KeptFile
from engine.hardware import DeviceSample

REST_S: Final = 7.0
"""Drivers switch a GPU off after five seconds in which nobody asked it anything."""

QUIET_SAMPLES: Final = 5


IsAtWork = Callable[[str], bool]
"""Whether Hearth gives the device of this id work now."""


class _Reader(Protocol):
    """A source of one device."""

    def read(self, now_s: float) -> Mapping[str, DeviceSample]: ...

    def close(self) -> None: ...


class LettingSleep:
    """A source of one device on Linux' PCI bus that lets it sleep.

    Asking a sleeping device anything wakes it, and asking one that does nothing once per second keeps it from falling
    asleep; a laptop's battery pays for both. So a sleeping device is known to do nothing, and is not asked. One that
    can sleep, draws no screen, and did nothing five times in a row is asked only every seven seconds, until it does
    something or Hearth gives it work.

    Thread: one at a time.
    """

    def __init__(self, device: str, folder: Path | None, source: _Reader, is_at_work: IsAtWork) -> None:
        """Find the files.

        Args:
            device: id.
            folder: of the device on the bus; None for a device without one, which never sleeps.
            source: asks the device.
            is_at_work: whether Hearth gives a device work.
        """
        self._device = device
        self._source = source
        self._is_at_work = is_at_work
        self._status = None if folder is None else KeptFile(folder / "power/runtime_status")
        self._can_sleep = folder is not None and _says(folder / "power/control", "auto")
        self._draws = folder is not None and _says(folder / "boot_vga", "1")
        self._quiet = 0  # samples in a row in which it did nothing
        self._asked_s = float("-inf")
        self._last: Mapping[str, DeviceSample] = {}

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What the device does; `now_s` is on the monotonic clock."""
        if self._status is not None and (self._status.text() or "").strip() == "suspended":
            return {self._device: DeviceSample(utilisation=0.0)}
        may_rest = self._can_sleep and not self._draws and self._quiet >= QUIET_SAMPLES
        if not may_rest or self._is_at_work(self._device) or now_s - self._asked_s >= REST_S:
            self._last, self._asked_s = self._source.read(now_s), now_s
            sample = self._last.get(self._device)
            self._quiet = self._quiet + 1 if sample is not None and sample.utilisation == 0 else 0
        return self._last

    def close(self) -> None:
        """Release the files."""
        if self._status is not None:
            self._status.close()
        self._source.close()


def _says(path: Path, word: str) -> bool:
    try:
        return path.read_text().strip() == word
    except OSError:
        return False
