"""What NVIDIA's driver says of its devices: files that are always readable, and the library NVML.

NVML knows the memory, but wakes sleeping devices, and a device that has fallen off its bus can make it hang. So it is
asked in a process of its own: `ask` calls `reached` there, and `with_details` adds the answer to what was seen.
"""

import ctypes
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.devices.seen.device import SeenDevice, pci_address
from engine.hardware import DeviceKind, ReachedDevice

NVML: Final = "NVML"
_LIBRARY: Final = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
_TEXT_BYTES: Final = 96  # longest name of a device
_VERSION: Final = re.compile(r"\s(\d+\.\d+(?:\.\d+)?)\s")


class _Memory(ctypes.Structure):
    """`nvmlMemory_t`."""

    _fields_ = (  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class _Pci(ctypes.Structure):
    """`nvmlPciInfo_t`, version 3."""

    _fields_ = (  # type: ignore[mutable-override]  # as above
        ("short_bus_id", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("pci_device_id", ctypes.c_uint),
        ("pci_subsystem_id", ctypes.c_uint),
        ("bus_id", ctypes.c_char * 32),
    )


def model_names(root: Path = Path("/")) -> dict[str, str]:
    """Names of NVIDIA's devices by address, from the driver's files; empty without the driver."""
    names = {}
    for file in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        pairs = (line.partition(":") for line in _text(file).splitlines())
        facts = {key.strip(): value.strip() for key, _, value in pairs}
        name = facts.get("Model", "")
        if name and name != "Unknown":
            names[pci_address(facts.get("Bus Location") or file.parent.name)] = name
    return names


def driver_version(root: Path = Path("/")) -> str:
    """Version of NVIDIA's kernel driver; empty without it."""
    version = _text(root / "sys/module/nvidia/version").strip()
    found = _VERSION.search(_text(root / "proc/driver/nvidia/version"))
    return version or (found[1] if found else "")


def reached(library: str = _LIBRARY) -> tuple[ReachedDevice, ...]:
    """List what NVML lists; nothing where it is not installed or finds no driver.

    Thread: any, in a process of its own.
    """
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return ()
    with _initialised(nvml) as is_ready:
        return tuple(_devices(nvml)) if is_ready else ()


def with_details(seen: Sequence[SeenDevice], details: Sequence[ReachedDevice]) -> tuple[SeenDevice, ...]:
    """Add what NVML says to devices that were seen, and devices that only NVML sees, as inside of WSL."""
    found = {pci_address(device.address): device for device in details if device.interface == NVML}
    known = [
        replace(
            device,
            name=extra.name or device.name,
            memory_bytes=extra.total_bytes or device.memory_bytes,
            driver=device.driver or f"nvidia {extra.version}",
        )
        if device.address and (extra := found.pop(device.address, None))
        else device
        for device in seen
    ]
    if any(device.vendor == "NVIDIA" and not device.address for device in seen):
        return tuple(known)  # the others may be the same devices again
    return (
        *known,
        *(
            SeenDevice(
                kind=DeviceKind.GPU,
                name=extra.name,
                vendor="NVIDIA",
                driver=f"nvidia {extra.version}",
                address=address,
                memory_bytes=extra.total_bytes,
            )
            for address, extra in found.items()
        ),
    )


@contextmanager
def _initialised(nvml: ctypes.CDLL) -> Iterator[bool]:
    is_ready = nvml.nvmlInit_v2() == 0
    try:
        yield is_ready
    finally:
        if is_ready:
            nvml.nvmlShutdown()


def _devices(nvml: ctypes.CDLL) -> Iterator[ReachedDevice]:
    count = ctypes.c_uint()
    version = ctypes.create_string_buffer(_TEXT_BYTES)
    nvml.nvmlSystemGetDriverVersion(version, _TEXT_BYTES)
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return
    for index in range(count.value):
        handle = ctypes.c_void_p()
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) != 0:
            continue  # one that is lost; the others work
        yield _device(nvml, handle, index, _decoded(version.value))


def _device(nvml: ctypes.CDLL, handle: ctypes.c_void_p, index: int, version: str) -> ReachedDevice:
    name, pci, memory = ctypes.create_string_buffer(_TEXT_BYTES), _Pci(), _Memory()
    nvml.nvmlDeviceGetName(handle, name, _TEXT_BYTES)
    has_place = nvml.nvmlDeviceGetPciInfo_v3(handle, ctypes.byref(pci)) == 0
    has_memory = nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) == 0  # not where it shares the machine's
    return ReachedDevice(
        backend=NVML,
        interface=NVML,
        target=str(index),
        kind=DeviceKind.GPU,
        name=_decoded(name.value),
        vendor="NVIDIA",
        address=pci_address(_decoded(pci.bus_id)) if has_place else "",
        version=version,
        total_bytes=int(memory.total) if has_memory else None,
        free_bytes=int(memory.free) if has_memory else None,
    )


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace").strip()


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
