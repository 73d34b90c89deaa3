"""Graphics processors and NPUs as Windows' device tree lists them.

The configuration manager (cfgmgr32) says which devices are present, the registry what they and their drivers are. It is
asked instead of DXGI, because DXGI lists no NPUs, no devices without a driver, and no places on the bus.

The part that asks Windows has not been run yet; what it makes of the answers (`describe`) is tested.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from engine.devices.seen.device import PCI_VENDORS, SeenDevice, pci_address, vendor_of
from engine.devices.seen.pci_names import INTEGRATED, NPUS, PciId, pci_names
from engine.hardware import DeviceKind

DISPLAYS: Final = "{4d36e968-e325-11ce-bfc1-08002be10318}"
ACCELERATORS: Final = "{f01a9d53-3ff6-48d2-9f97-c8a7004be10c}"
_PLACE: Final = re.compile(r"\((\d+),(\d+),(\d+)\)\s*$")
_ID: Final = re.compile(r"VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", re.IGNORECASE)
_MEMORY: Final = "HardwareInformation.qwMemorySize"
_GENERIC_SERVICES: Final = {"", "basicdisplay"}  # Windows' own, for a screen until a real driver comes
_NOT_COMPUTING: Final = {0x1414, 0x15AD, 0x1AB8, 0x1AF4, 0x1B36, 0x80EE}  # screens of virtual machines

Values = Mapping[str, object]


def describe(instance: str, device: Values, driver: Values, machine_bytes: int) -> SeenDevice | None:
    r"""Make a device of what the registry says; None if it does not compute.

    Args:
        instance: where it is in the tree (`PCI\VEN_10DE&DEV_2684&...\4&...`).
        device: values of its own key.
        driver: values of its driver's key; empty if it has none.
        machine_bytes: the machine's memory.
    """
    pci_id = _pci_id(instance)
    kind = _kind(str(device.get("ClassGUID", "")).lower(), pci_id)
    name = _text(driver.get("DriverDesc")) or _text(device.get("DeviceDesc"))
    if kind is None or not instance.upper().startswith(("PCI\\", "ACPI\\")):
        return None
    vendor = (PCI_VENDORS.get(pci_id[0], "") if pci_id else "") or vendor_of(f"{_text(device.get('Mfg'))} {name}")
    address = _address(_text(device.get("LocationInformation")))
    service = str(device.get("Service", "")).lower()
    if service in _GENERIC_SERVICES:
        name = pci_names({pci_id}).get(pci_id, "") if pci_id else ""
    shares = _shares_memory(kind, vendor, pci_id, address)
    own = _integer(driver.get(_MEMORY))
    return SeenDevice(
        kind=kind,
        name=name,
        vendor=vendor,
        driver="" if service in _GENERIC_SERVICES else f"{service} {_text(driver.get('DriverVersion'))}".strip(),
        address=address,
        memory_bytes=(own or 0) + machine_bytes // 2 if shares else own,  # Windows lends half of its memory
        shares_memory=shares,
    )


def _kind(class_guid: str, pci_id: PciId | None) -> DeviceKind | None:
    if class_guid == ACCELERATORS or pci_id in NPUS:
        return DeviceKind.NPU
    if class_guid == DISPLAYS and not (pci_id and pci_id[0] in _NOT_COMPUTING):
        return DeviceKind.GPU
    return None


def _shares_memory(kind: DeviceKind, vendor: str, pci_id: PciId | None, address: str) -> bool:
    if kind is DeviceKind.NPU or vendor == "Qualcomm":
        return vendor in {"AMD", "Intel", "Qualcomm"}
    return address == "0000:00:02.0" if vendor == "Intel" else pci_id in INTEGRATED


def _pci_id(instance: str) -> PciId | None:
    found = _ID.search(instance)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def _address(location: str) -> str:
    found = _PLACE.search(location)
    if found is None:
        return ""
    bus, slot, function = (int(part) for part in found.groups())
    return pci_address(f"{bus:x}:{slot:x}.{function:x}")


def _text(value: object) -> str:
    """A text; one that can be translated (`@oem1.inf,%name%;Name`) without where its translations are."""
    text = value if isinstance(value, str) else ""
    return text.rpartition(";")[2].strip() if text.startswith("@") and not _PLACE.search(text) else text.strip()


def _integer(value: object) -> int | None:
    if isinstance(value, bytes):  # some drivers write the number as it lies in memory
        return int.from_bytes(value, "little") or None
    return value or None if isinstance(value, int) else None


if sys.platform == "win32":
    import ctypes
    import winreg

    import psutil

    _BY_ENUMERATOR, _PRESENT, _BY_CLASS = 0x1, 0x100, 0x200
    _TREE = r"SYSTEM\CurrentControlSet\Enum"
    _CLASSES = r"SYSTEM\CurrentControlSet\Control\Class"

    def see_windows() -> tuple[SeenDevice, ...]:
        """List what could compute beside the processor; takes some ten milliseconds."""
        machine_bytes = int(psutil.virtual_memory().total)
        found = []
        for instance in instances():
            device = _values(rf"{_TREE}\{instance}")
            driver = device.get("Driver")
            values = _values(rf"{_CLASSES}\{driver}") if isinstance(driver, str) else {}
            found.append(describe(instance, device, values, machine_bytes))
        return tuple(device for device in found if device is not None)

    def instances() -> Sequence[str]:
        """Everything present that is on the PCI bus or of a class that computes, sorted."""
        flags = ((DISPLAYS, _BY_CLASS), (ACCELERATORS, _BY_CLASS), ("PCI", _BY_ENUMERATOR))
        return sorted({instance for text, flag in flags for instance in _list(text, flag | _PRESENT)})

    def _list(text: str, flags: int) -> list[str]:
        manager, size = ctypes.WinDLL("cfgmgr32"), ctypes.c_ulong()
        if manager.CM_Get_Device_ID_List_SizeW(ctypes.byref(size), text, flags) != 0:
            return []
        buffer = ctypes.create_unicode_buffer(size.value)
        if manager.CM_Get_Device_ID_ListW(text, buffer, size, flags) != 0:
            return []
        return [instance for instance in "".join(buffer[:]).split("\0") if instance]

    def _values(path: str) -> dict[str, object]:
        values: dict[str, object] = {}
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
                for index in range(winreg.QueryInfoKey(key)[1]):
                    name, value, _ = winreg.EnumValue(key, index)
                    values[name] = value
        except OSError:  # it went away meanwhile, or is not for us
            return values
        return values

else:

    def see_windows() -> tuple[SeenDevice, ...]:
        """Nothing: this is another system."""
        return ()

    def instances() -> Sequence[str]:
        """Nothing: this is another system."""
        return ()
