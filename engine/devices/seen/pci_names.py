"""Names of PCI devices: a few that matter and that the system's own list often lacks, then that list."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

PciId = tuple[int, int]
"""Numbers of the maker and of the device."""

NPUS: Final[Mapping[PciId, str]] = MappingProxyType(
    {
        (0x1022, 0x1502): "AMD Ryzen AI NPU (XDNA)",
        (0x1022, 0x17F0): "AMD Ryzen AI NPU (XDNA 2)",
        (0x8086, 0x7D1D): "Intel AI Boost NPU (Meteor Lake)",
        (0x8086, 0xAD1D): "Intel AI Boost NPU (Arrow Lake)",
        (0x8086, 0x643E): "Intel AI Boost NPU (Lunar Lake)",
        (0x8086, 0xB03E): "Intel AI Boost NPU (Panther Lake)",
        (0x8086, 0xFD3E): "Intel AI Boost NPU (Wildcat Lake)",
        (0x8086, 0xD71D): "Intel AI Boost NPU (Nova Lake)",
    }
)
"""AMD's say of themselves that they process signals, so their class tells nothing."""

INTEGRATED: Final[Mapping[PciId, str]] = MappingProxyType(
    {
        (0x1002, 0x1114): "AMD Radeon 860M",
        (0x1002, 0x13C0): "AMD Radeon Graphics",
        (0x1002, 0x1506): "AMD Radeon 610M",
        (0x1002, 0x150E): "AMD Radeon 890M",
        (0x1002, 0x1586): "AMD Radeon 8060S",
        (0x1002, 0x15BF): "AMD Radeon 780M",
        (0x1002, 0x15C8): "AMD Radeon 740M",
        (0x1002, 0x15D8): "AMD Radeon Vega",
        (0x1002, 0x15DD): "AMD Radeon Vega",
        (0x1002, 0x15E7): "AMD Radeon Graphics",
        (0x1002, 0x1636): "AMD Radeon Graphics",
        (0x1002, 0x1638): "AMD Radeon Graphics",
        (0x1002, 0x163F): "AMD Custom GPU 0405",
        (0x1002, 0x164C): "AMD Radeon Graphics",
        (0x1002, 0x164D): "AMD Radeon 680M",
        (0x1002, 0x164E): "AMD Radeon Graphics",
        (0x1002, 0x1681): "AMD Radeon 680M",
        (0x1002, 0x1900): "AMD Radeon 780M",
        (0x1002, 0x1901): "AMD Radeon 740M",
    }
)
"""AMD's graphics inside a processor, which nothing else in sysfs tells from a card; not complete."""

_LISTS: Final = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "var/lib/pciutils/pci.ids")


def pci_names(wanted: Iterable[PciId], root: Path = Path("/")) -> dict[PciId, str]:
    """Find the names of devices; those that nobody knows are missing.

    Reads the system's list (1.5 MB) only if one of them is in no table here; that takes some 20 ms.
    """
    known = {**NPUS, **INTEGRATED}
    names = {pci_id: known[pci_id] for pci_id in wanted if pci_id in known}
    if missing := {pci_id for pci_id in wanted if pci_id not in known}:
        names |= _listed(missing, root)
    return names


def _listed(wanted: set[PciId], root: Path) -> dict[PciId, str]:
    for name in _LISTS:
        try:
            lines = (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        return _read(lines, wanted)
    return {}


def _read(lines: Iterable[str], wanted: set[PciId]) -> dict[PciId, str]:
    """Lines are `10de  NVIDIA Corporation`, then `<tab>2684  AD102 [GeForce RTX 4090]`, then two tabs for boards."""
    names: dict[PciId, str] = {}
    makers = {maker for maker, _ in wanted}
    maker: int | None = None
    for line in lines:
        if line[:1] in {"", "#"} or line.startswith("\t\t"):
            continue
        number, _, text = line.strip().partition("  ")
        if not line.startswith("\t"):
            maker = _number(number)
        elif maker in makers and (pci_id := (maker, _number(number))) in wanted:
            names[pci_id] = _marketed(text)
    return names


def _number(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:  # the list's last part is about classes: "C 03  Display controller"
        return None


def _marketed(text: str) -> str:
    """`AD102 [GeForce RTX 4090]` is sold as what stands in brackets."""
    before, bracket, after = text.strip().partition("[")
    return after.rstrip("] ") if bracket and after.strip("] ") else before.strip()
