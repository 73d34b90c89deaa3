"""Graphics processors and the Neural Engine as macOS lists them.

The part that asks macOS has not been run yet; what it makes of the answer (`describe`) is tested.
"""

import json
import platform
import re
import subprocess
from collections.abc import Mapping
from typing import Any, Final

import psutil

from engine.devices.seen.device import SeenDevice, vendor_of
from engine.hardware import DeviceKind

_LIMIT_S: Final = 20.0
_MEMORY: Final = re.compile(r"(\d+)\s*(MB|GB)")
_UNITS: Final = {"MB": 1 << 20, "GB": 1 << 30}


def see_macos() -> tuple[SeenDevice, ...]:
    """List what could compute beside the processor; takes about a second."""
    command = ["/usr/sbin/system_profiler", "-json", "SPDisplaysDataType"]
    try:
        asked = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        asked = b""
    return describe(asked, int(psutil.virtual_memory().total), is_apple_silicon=platform.machine() == "arm64")


def describe(displays: bytes, machine_bytes: int, *, is_apple_silicon: bool) -> tuple[SeenDevice, ...]:
    """Make devices of what `system_profiler -json SPDisplaysDataType` prints.

    Args:
        displays: the document; nonsense is no device.
        machine_bytes: the machine's memory, which Apple's graphics share.
        is_apple_silicon: whether the processor is Apple's; each of them has a Neural Engine.
    """
    try:
        document = json.loads(displays)
    except (ValueError, RecursionError):
        document = {}
    entries = document.get("SPDisplaysDataType", []) if isinstance(document, dict) else []
    seen = [_device(entry, machine_bytes) for entry in entries if isinstance(entry, dict)]
    if is_apple_silicon:
        engine = SeenDevice(
            kind=DeviceKind.NPU,
            name="Apple Neural Engine",
            vendor="Apple",
            driver="macOS",
            memory_bytes=machine_bytes,
            shares_memory=True,
        )
        seen.append(engine)
    return tuple(seen)


def _device(entry: Mapping[str, Any], machine_bytes: int) -> SeenDevice:
    name = str(entry.get("sppci_model") or entry.get("_name") or "")
    vendor = vendor_of(str(entry.get("spdisplays_vendor", "")).replace("_", " ")) or vendor_of(name)
    is_built_in = vendor in {"Apple", "Intel"}
    own = _bytes(str(entry.get("spdisplays_vram", "")))
    shared = machine_bytes if vendor == "Apple" else _bytes(str(entry.get("spdisplays_vram_shared", "")))
    return SeenDevice(
        kind=DeviceKind.GPU,
        name=name,
        vendor=vendor,
        driver="macOS",
        memory_bytes=shared if is_built_in else own,
        shares_memory=is_built_in,
    )


def _bytes(text: str) -> int | None:
    found = _MEMORY.search(text)
    return int(found[1]) * _UNITS[found[2]] if found else None
