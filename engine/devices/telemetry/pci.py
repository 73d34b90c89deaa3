"""Devices on the bus, as Linux shows them under `sys/bus/pci/devices`."""

import re
from pathlib import Path

from engine.devices.telemetry.kept_file import KeptFile
from engine.hardware import DeviceInfo

_ADDRESS = re.compile(r"^(?:[0-9a-f]{4})?([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$")


def address_of(device: DeviceInfo) -> str:
    """The device's address as the kernel writes it (`0000:01:00.0`); empty if it has none on this bus."""
    found = _ADDRESS.match(device.address.strip().lower())
    return found[1] if found else ""


def folder_of(device: DeviceInfo, root: Path = Path("/")) -> Path | None:
    """The device's folder; None if it has none."""
    address = address_of(device)
    folder = root / "sys/bus/pci/devices" / address
    return folder if address and folder.is_dir() else None


class Sleep:
    """Whether a device is switched off to save power.

    Asking a sleeping device anything wakes it, and at one question per second it would never sleep again: a laptop's
    battery pays for that. So whoever reads a device's files asks here first, which wakes nobody.

    Thread: one at a time.
    """

    def __init__(self, folder: Path | None) -> None:
        """Find the file.

        Args:
            folder: of the device on the bus; None for a device without one, which never sleeps.
        """
        self._file = None if folder is None else KeptFile(folder / "power/runtime_status")

    def is_asleep(self) -> bool:
        """Whether it sleeps now; a device that does not say is awake."""
        return self._file is not None and (self._file.text() or "").strip() == "suspended"

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
