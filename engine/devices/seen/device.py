"""SeenDevice, and how makers and places on the bus are spelled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from engine.hardware import DeviceKind

PCI_VENDORS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x1002: "AMD",
        0x1022: "AMD",
        0x106B: "Apple",
        0x10DE: "NVIDIA",
        0x17CB: "Qualcomm",
        0x1DA3: "Habana",
        0x1E60: "Hailo",
        0x1ED5: "Moore Threads",
        0x5143: "Qualcomm",
        0x8086: "Intel",
    }
)
"""Makers of what computes, by PCI number; AMD has one for graphics and one for everything else."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "nvidia": "NVIDIA", "geforce": "NVIDIA", "quadro": "NVIDIA", "tesla": "NVIDIA",
        "amd": "AMD", "advanced micro devices": "AMD", "ati": "AMD", "radeon": "AMD", "xilinx": "AMD",
        "intel": "Intel", "apple": "Apple", "qualcomm": "Qualcomm", "adreno": "Qualcomm", "snapdragon": "Qualcomm",
        "moore threads": "Moore Threads", "llvmpipe": "Mesa", "lavapipe": "Mesa", "mesa": "Mesa",
    }
)  # fmt: skip
_ADDRESS: Final = re.compile(r"(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDevice:
    """A device as the system describes it, whether or not anything can compute on it.

    Attributes:
        kind: what it is.
        name: as its maker calls it; empty if the system does not know.
        vendor: its maker, or empty.
        driver: the system's driver and its version; empty if none is bound.
        address: on the bus as `pci_address` spells it, or empty.
        memory_bytes: memory of its own, or what it may use of the machine's; None if unknown.
        shares_memory: whether it computes in the machine's memory.
    """

    kind: DeviceKind
    name: str = ""
    vendor: str = ""
    driver: str = ""
    address: str = ""
    memory_bytes: int | None = None
    shares_memory: bool = False


def pci_address(text: str) -> str:
    """Spell a place on the bus as Linux does (`0000:01:00.0`); NVML writes more digits, Windows fewer.

    What is not a PCI address is only trimmed and put into small letters.
    """
    text = text.strip().lower()
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return text
    domain, bus, slot, function = (int(part or "0", 16) for part in found.groups())
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function}"


def vendor_of(text: str) -> str:
    """The maker whose name is in a text (`NVIDIA Corporation`, `AMD Radeon 780M`, `0x10de`); empty if none is."""
    text = text.lower().strip()
    if re.fullmatch(r"0x[0-9a-f]{4}", text):
        return PCI_VENDORS.get(int(text, 16), "")
    # The earliest word decides: Mesa writes "llvmpipe (LLVM ...)" and "AMD Radeon 780M (RADV ..., Mesa ...)".
    places = [
        (found.start(), vendor)
        for word, vendor in _WORDS.items()
        if (found := re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text))
    ]
    return min(places, default=(0, ""))[1]
