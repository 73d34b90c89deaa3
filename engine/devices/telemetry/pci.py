"""Devices on the bus, as Linux shows them under `sys/bus/pci/devices`."""

import re
from pathlib import Path

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
