"""A short text that changes when the machine's devices, drivers or inference libraries do.

It takes milliseconds where asking takes seconds: as long as it stays the same, what the backends said last time is
still true.
"""

import hashlib
import json
import os
import platform
import socket
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.devices.seen.libraries import built_in_modules, installed_packages, loadable_modules, provider_files
from engine.devices.seen.linux import pci_devices
from engine.devices.seen.nvidia import driver_version
from engine.devices.seen.windows import instances

_VARIABLES: Final = (
    "CUDA_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
    "ONEAPI_DEVICE_SELECTOR", "ZE_AFFINITY_MASK", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_ICD_FILENAMES",
)  # fmt: skip
"""What hides devices from a backend, or shows it other drivers."""
_VULKAN_DRIVERS: Final = ("usr/share/vulkan/icd.d", "usr/local/share/vulkan/icd.d", "etc/vulkan/icd.d")
_CONNECT_S: Final = 0.2  # a guess: on this computer the answer comes at once, and servers elsewhere are rare


def signature(
    modules: Path | None, rpc_servers: Sequence[str], extra: Sequence[str] = (), root: Path = Path("/")
) -> str:
    """Describe what can be found, as a hexadecimal number of 64 digits.

    Args:
        modules: folder of llama.cpp's modules.
        rpc_servers: `host:port` of servers; whether each of them listens is part of it.
        extra: anything else that decides what is asked.
        root: where Linux keeps `proc`, `sys` and `usr`.
    """
    facts = {
        "system": [sys.platform, platform.release(), platform.machine()],
        "bus": _bus(root),
        "nvidia": driver_version(root),
        "vulkan": [_file(file) for folder in _VULKAN_DRIVERS for file in _entries(root / folder)],
        "modules": [_file(module.path) for module in (*loadable_modules(modules), *built_in_modules())],
        "providers": [_file(file) for file in provider_files()],
        "packages": dict(installed_packages()),
        "rpc": [[server, _listens(server)] for server in rpc_servers],
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "extra": list(extra),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _bus(root: Path) -> Sequence[Sequence[str | int]]:
    if sys.platform == "win32":
        return [[instance] for instance in instances()]
    bus: list[list[str | int]] = [
        [device.address, *device.pci_id, device.driver] for device in pci_devices(root) if device.kind is not None
    ]
    return [*bus, *([entry.name, str(entry.resolve())] for entry in _entries(root / "sys/class/accel"))]


def _file(file: Path) -> list[str | int]:
    with suppress(OSError):
        status = file.stat()
        return [str(file), status.st_size, status.st_mtime_ns]
    return [str(file)]


def _entries(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return ()


def _listens(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except (OSError, ValueError, OverflowError):
        return False
    return True
