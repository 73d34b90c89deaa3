"""The processor and the memory: what is built in, and how much of it this process may use."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.devices.cgroup import CgroupLimits, read_limits
from engine.devices.machine import (
    available_memory_bytes,
    cpu_features,
    cpu_name,
    memory_limit_bytes,
    physical_cores,
    usable_cores,
)
from engine.devices.seen.device import SeenDevice, vendor_of
from engine.hardware import DeviceKind

_FEATURES: Final = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
    "amx_bf16", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme",
)  # fmt: skip
_VENDORS: Final = {"AuthenticAMD": "AMD", "GenuineIntel": "Intel", "HygonGenuine": "Hygon", "0x41": "Arm"}
_SIZE: Final = re.compile(r"(\d+)([KMG]?)")
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One kind of cache of the processor.

    Attributes:
        level: 1 is nearest to the core.
        kind: `data`, `instruction` or `unified`.
        size_bytes: of each.
        shared_by: logical cores that share one.
        count: how many there are.
    """

    level: int
    kind: str
    size_bytes: int
    shared_by: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What computes when nothing else does.

    Attributes:
        name: as its maker calls it.
        vendor: its maker, or empty.
        sockets: processors on the board; None if the system does not say.
        physical_cores: of all sockets; None if the system does not say.
        logical_cores: of all sockets; None if the system does not say.
        usable_physical_cores: physical cores that this process may use (affinity, CPU quota).
        usable_cores: logical cores that this process may use at once.
        features: instruction sets that make models faster, as the system spells them.
        caches: nearest to the core first; empty if the system does not say.
        memory_bytes: memory this process may use: the machine's, or the control group's limit.
        available_bytes: of it, free now.
        limits: what the control group allows.
    """

    name: str
    vendor: str
    sockets: int | None
    physical_cores: int | None
    logical_cores: int | None
    usable_physical_cores: int
    usable_cores: int
    features: tuple[str, ...]
    caches: tuple[Cache, ...]
    memory_bytes: int
    available_bytes: int
    limits: CgroupLimits


def see_processor(root: Path = Path("/")) -> Processor:
    """Look at the processor and the memory; takes a few milliseconds.

    Args:
        root: where `proc` and `sys` are. The name, the memory and what this process may use of the cores are always
            those of the real machine, because they are asked of the system by calls.
    """
    cpus = _online(root)
    cores = {_topology(root, cpu, "physical_package_id", "core_id") for cpu in cpus} - {None}
    sockets = {_topology(root, cpu, "physical_package_id") for cpu in cpus} - {None}
    information = _cpuinfo(root)
    flags = set(information.get("flags", information.get("Features", "")).split())
    vendor = information.get("vendor_id", information.get("CPU implementer", ""))
    name = cpu_name()
    return Processor(
        name=name,
        vendor=_VENDORS.get(vendor) or vendor_of(name),
        sockets=len(sockets) or None,
        physical_cores=len(cores) or None,
        logical_cores=len(cpus) or None,
        usable_physical_cores=physical_cores(),
        usable_cores=usable_cores(),
        features=tuple(feature for feature in _FEATURES if feature in flags) or cpu_features(),
        caches=see_caches(root),
        memory_bytes=memory_limit_bytes(),
        available_bytes=available_memory_bytes(),
        limits=read_limits(root),
    )


def processor_device() -> SeenDevice:
    """The processor as one device among others."""
    name = cpu_name()
    return SeenDevice(
        kind=DeviceKind.CPU,
        name=name,
        vendor=vendor_of(name),
        memory_bytes=memory_limit_bytes(),
        shares_memory=True,
    )


def see_caches(root: Path = Path("/")) -> tuple[Cache, ...]:
    """The caches of all processors, equal ones counted together; empty where the system does not list them."""
    seen: dict[tuple[int, str, int, int], set[str]] = {}
    for cpu in _online(root):
        for folder in sorted((_cpu_folder(root, cpu) / "cache").glob("index[0-9]*")):
            level, size = _text(folder / "level"), _size(_text(folder / "size"))
            shared = _text(folder / "shared_cpu_list") or str(cpu)
            if level.isdigit() and size:
                key = (int(level), _text(folder / "type").lower(), size, len(_cpu_list(shared)))
                seen.setdefault(key, set()).add(shared)
    return tuple(
        Cache(
            level=level, kind=kind, size_bytes=size, shared_by=shared_by, count=len(seen[level, kind, size, shared_by])
        )
        for level, kind, size, shared_by in sorted(seen)
    )


def _online(root: Path) -> list[int]:
    return _cpu_list(_text(root / "sys/devices/system/cpu/online"))


def _cpu_list(text: str) -> list[int]:
    """Read `0-3,8`; nonsense is no core."""
    cpus: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit() and (last or first).isdigit():
            cpus += range(int(first), int(last or first) + 1)
    return cpus


def _topology(root: Path, cpu: int, *names: str) -> tuple[str, ...] | None:
    found = tuple(_text(_cpu_folder(root, cpu) / "topology" / name) for name in names)
    return found if all(found) else None


def _cpu_folder(root: Path, cpu: int) -> Path:
    return root / f"sys/devices/system/cpu/cpu{cpu}"


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else 0


def _cpuinfo(root: Path) -> dict[str, str]:
    """What is said about the first core."""
    first, _, _ = _text(root / "proc/cpuinfo").partition("\n\n")
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
