"""Graphics processors and NPUs that Linux lists on the PCI bus, and NPUs inside other chips."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.devices.seen.device import PCI_VENDORS, SeenDevice, pci_address
from engine.devices.seen.nvidia import driver_version, model_names
from engine.devices.seen.pci_names import INTEGRATED, NPUS, PciId, pci_names
from engine.hardware import DeviceKind

_DISPLAY, _ACCELERATOR = 0x03, 0x12  # base classes of PCI
_NPU_DRIVERS: Final = {"intel_vpu", "amdxdna"}
_DISPLAY_ONLY: Final = {0x102B, 0x1234, 0x1414, 0x15AD, 0x1A03, 0x1AF4, 0x1B36, 0x80EE}
"""Makers of what only shows pictures: management consoles of servers (Matrox, ASPEED), screens of virtual machines."""
_SHARING: Final = {"AMD", "Intel", "Qualcomm"}  # makers whose NPUs sit inside a processor


@dataclass(frozen=True, slots=True)
class PciDevice:
    """One line of the PCI bus.

    Attributes:
        folder: in sysfs.
        address: as `pci_address` spells it.
        pci_id: maker and device.
        base_class: 3 displays, 18 accelerates.
        driver: the kernel's driver; empty if none is bound.
    """

    folder: Path
    address: str
    pci_id: PciId
    base_class: int
    driver: str

    @property
    def kind(self) -> DeviceKind | None:
        """What it computes as; None if it does not compute."""
        maker, _ = self.pci_id
        if self.driver in _NPU_DRIVERS or self.pci_id in NPUS:
            return DeviceKind.NPU
        if self.base_class == _DISPLAY:
            return None if maker in _DISPLAY_ONLY else DeviceKind.GPU
        if self.base_class == _ACCELERATOR:  # AMD's cards for servers have no display, and say so
            return DeviceKind.GPU if PCI_VENDORS.get(maker) == "AMD" else DeviceKind.NPU
        return None


def see_linux(root: Path = Path("/")) -> tuple[SeenDevice, ...]:
    """List what could compute beside the processor; takes a few milliseconds, and wakes no sleeping device.

    Args:
        root: where `proc`, `sys` and `usr` are.
    """
    computing = [device for device in pci_devices(root) if device.kind is not None]
    names = pci_names({device.pci_id for device in computing}, root)
    models = model_names(root)
    seen = [_described(device, names.get(device.pci_id, ""), root) for device in computing]
    return (*(replace(it, name=models.get(it.address, it.name)) for it in seen), *_other_accelerators(root))


def pci_devices(root: Path = Path("/")) -> tuple[PciDevice, ...]:
    """Everything on the PCI bus, by address; empty where there is none."""
    try:
        folders = sorted((root / "sys/bus/pci/devices").iterdir())
    except OSError:
        return ()
    found = (_device(folder) for folder in folders)
    return tuple(device for device in found if device is not None)


def _device(folder: Path) -> PciDevice | None:
    vendor, device, class_code = (_number(folder / name) for name in ("vendor", "device", "class"))
    if vendor is None or device is None or class_code is None:
        return None
    return PciDevice(folder, pci_address(folder.name), (vendor, device), class_code >> 16, _driver(folder))


def _described(device: PciDevice, name: str, root: Path) -> SeenDevice:
    assert device.kind is not None
    vendor = PCI_VENDORS.get(device.pci_id[0], "")
    shares = _shares_memory(device, vendor)
    return SeenDevice(
        kind=device.kind,
        name=name if not name or name.startswith(vendor) else f"{vendor} {name}",
        vendor=vendor,
        driver=_with_version(device.driver, root),
        address=device.address,
        memory_bytes=_memory(device.folder, shares),
        shares_memory=shares,
    )


def _shares_memory(device: PciDevice, vendor: str) -> bool:
    if device.kind is DeviceKind.NPU:
        return vendor in _SHARING
    if vendor == "Intel":  # their graphics inside a processor are always there, and cards are behind a bridge
        return device.address == "0000:00:02.0"
    return device.pci_id in INTEGRATED


def _memory(folder: Path, shares: bool) -> int | None:
    """What AMD's driver says; for graphics inside a processor that is their part and what they may borrow."""
    own = _number(folder / "mem_info_vram_total", base=10)
    borrowed = _number(folder / "mem_info_gtt_total", base=10) if shares else 0
    return None if own is None or borrowed is None else own + borrowed


def _other_accelerators(root: Path) -> list[SeenDevice]:
    """NPUs that are on no PCI bus, as in chips of small boards."""
    try:
        entries = sorted((root / "sys/class/accel").iterdir())
    except OSError:
        return []
    folders = [entry / "device" for entry in entries if not (entry / "device" / "class").exists()]
    return [
        SeenDevice(
            kind=DeviceKind.NPU,
            driver=_with_version(driver, root),
            address=folder.resolve().name,
            shares_memory=True,
        )
        for folder in folders
        if (driver := _driver(folder))
    ]


def _driver(folder: Path) -> str:
    link = folder / "driver"
    return link.resolve().name if link.exists() else ""


def _with_version(driver: str, root: Path) -> str:
    """The driver's own version; one that comes with the kernel has the kernel's."""
    if not driver:
        return ""
    module = driver.replace("-", "_")
    version = driver_version(root) if driver == "nvidia" else _text(root / "sys/module" / module / "version")
    return f"{driver} {version or _text(root / 'proc/sys/kernel/osrelease')}".strip()


def _number(file: Path, base: int = 16) -> int | None:
    try:
        return int(file.read_text(), base)
    except (OSError, ValueError):
        return None


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
