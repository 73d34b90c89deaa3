"""Trees of files as Linux shows them in /sys and /proc, for machines that are not here."""

from pathlib import Path

import pytest


class Tree:
    """A machine's files."""

    release = "6.8.0-41-generic"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({"proc/sys/kernel/osrelease": self.release})

    def write(self, files: dict[str, object]) -> None:
        """Write files, by their places."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    def add(self, address: str, pci_id: str, pci_class: str, driver: str = "", **files: object) -> Path:
        """Put a device on the bus; its driver, if any, is bound to it as a link."""
        vendor, device = pci_id.split(":")
        values = {"vendor": f"0x{vendor}", "device": f"0x{device}", "class": f"0x{pci_class}", **files}
        folder = f"sys/bus/pci/devices/{address}"
        self.write({f"{folder}/{name}": value for name, value in values.items()})
        self.bind(folder, driver)
        return self.root / folder

    def bind(self, folder: str, driver: str) -> None:
        """Bind a driver to a device."""
        if driver:
            place = self.root / "sys/bus/drivers" / driver
            place.mkdir(parents=True, exist_ok=True)
            (self.root / folder / "driver").symlink_to(place)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty machine."""
    return Tree(tmp_path)
