"""What ONNX Runtime can compute on beside its own code for the processor: devices listed, and found again.

A plugin or a driver can end the process, so all of this runs in processes of its own: `engine/devices/ask.py` lists,
`engine/backends/onnx/device_worker.py` computes.

A provider can offer the processor too (OpenVINO does). It is returned as a device of kind CPU, whose interface is the
provider: another route of `cpu`, not another device. ONNX Runtime's own code for the processor is not returned: it is
there on every machine, and runs in Hearth's own process.

Thread: one.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.backends.onnx.native_errors import NATIVE_ERRORS, reason_of
from engine.backends.onnx.providers import (
    CPU,
    PROVIDERS,
    Library,
    NamedDevice,
    Provider,
    installed,
    library_file,
    package_version,
)
from engine.backends.onnx.runtime import onnxruntime
from engine.errors import DeviceError, DeviceLostError
from engine.hardware import DeviceKind, ReachedDevice

BACKEND: Final = "onnxruntime"

_SEPARATOR: Final = "|"
_VENDORS: Final = {
    0x8086: "Intel", 0x10DE: "NVIDIA", 0x1002: "AMD", 0x1022: "AMD", 0x106B: "Apple", 0x5143: "Qualcomm",
    0x4D4F4351: "Qualcomm",
}  # fmt: skip
_ADDRESSES: Final = ("pci_bus_id", "LUID")
_ORDERS: Final = ("DxgiAdapterNumber", "card_idx", "accel_idx")
_VIRTUAL: Final = ("is_virtual", "IsVirtual")


def build_text() -> str:
    """The providers that ONNX Runtime was built with, for people."""
    return ", ".join(onnxruntime.get_available_providers())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundDevice:
    """A device that a session can be opened on.

    Attributes:
        target: how it is found again in another process.
        provider: that reaches it.
        kind: of the device.
        device: ONNX Runtime's own object (OrtEpDevice); None if the provider is asked for by name.
        options: that choose it, beside the provider's own.
    """

    target: str
    provider: Provider
    kind: DeviceKind
    device: Any = None
    options: Mapping[str, str]


def reached(only: str | None = None, providers: Sequence[Provider] = PROVIDERS) -> tuple[ReachedDevice, ...]:
    """List the devices of the providers that are installed.

    May end the process: a plugin or a driver that is broken does.

    Args:
        only: name of the one provider to ask; None asks all.
        providers: the rows to go through.

    Returns:
        The devices. A provider that is installed but has none to offer gives one entry with an empty target, and a
        fault that says why; one that is not installed gives none.
    """
    asked = [row for row in providers if row is not CPU and only in {None, row.name} and installed(row)]
    return tuple(entry for row in asked for entry in _reached_by(row))


def find(target: str, providers: Sequence[Provider] = PROVIDERS) -> FoundDevice:
    """Find a device by the target that `reached` gave, registering the library of its provider.

    Raises:
        DeviceError: the provider is unknown or not installed, or its library cannot be used.
        DeviceLostError: it has no such device any more.
    """
    name = target.partition(_SEPARATOR)[0]
    provider = next((row for row in providers if row.name == name), None)
    if provider is None or provider is CPU:
        raise DeviceError(f"ONNX Runtime knows no device {target!r}.", "See `hearth doctor`.")
    if not installed(provider):
        raise DeviceError(f"{provider.title} is not installed.", f"Install {provider.packages[0]}.")
    register(provider)
    for found in _devices_of(provider):
        if found.target == target:
            return found
    raise DeviceLostError(f"{provider.title} finds no device {target} any more.", "See `hearth doctor`.")


def register(provider: Provider) -> None:
    """Make a provider's devices known to ONNX Runtime; nothing happens if they are.

    Raises:
        DeviceError: its library is not there, or cannot be used.
    """
    if provider.library is None or _listed(provider):
        return
    try:
        # The name is the provider's own: one that ends in `.virtual` would bring devices that do not exist.
        onnxruntime.register_execution_provider_library(provider.name, _library_path(provider.library))
    except NATIVE_ERRORS as error:
        if "already registered" in str(error):
            return
        raise _unusable(provider, reason_of(error)) from error
    except Exception as error:  # the package's own code has failed
        raise _unusable(provider, str(error).strip().rstrip(".") or type(error).__name__) from error


def device_version(provider: Provider, device: Any = None) -> str:
    """Version of a provider, and of the driver where it says; measured speeds and compiled graphs belong to it.

    Args:
        provider: the row.
        device: an OrtEpDevice, or None.
    """
    metadata = dict(device.ep_metadata) | dict(device.device.metadata) if device is not None else {}
    own = str(metadata.get("version", "")) or package_version(provider) or onnxruntime.__version__
    drivers = sorted({str(value) for key, value in metadata.items() if key.upper().endswith("DRIVER_VERSION")})
    return " ".join([own, *(f"driver {driver}" for driver in drivers if driver)])


def _reached_by(provider: Provider) -> Iterator[ReachedDevice]:
    try:
        register(provider)
    except DeviceError as error:
        yield _nothing(provider, error.cause)
        return
    devices = [found for found in _devices_of(provider) if found.kind in provider.kinds]
    if not devices:
        yield _nothing(provider, f"{provider.title} is installed, but finds no device that it can use.")
    for found in devices:
        yield _described(found)


def _nothing(provider: Provider, fault: str) -> ReachedDevice:
    kinds = [kind for kind in (DeviceKind.CPU, DeviceKind.NPU, DeviceKind.GPU) if kind in provider.kinds]
    return ReachedDevice(
        backend=BACKEND,
        interface=provider.name,
        target="",
        kind=kinds[0],
        name=provider.title,
        vendor=provider.vendor,
        version=package_version(provider),
        fault=fault,
    )


def _described(found: FoundDevice) -> ReachedDevice:
    provider, device = found.provider, found.device
    if device is None:
        return ReachedDevice(
            backend=BACKEND,
            interface=provider.name,
            target=found.target,
            kind=found.kind,
            name=next(named.name for named in provider.named if _named_target(provider, named) == found.target),
            vendor=provider.vendor,
            version=device_version(provider),
            shares_memory=found.kind is DeviceKind.NPU,
        )
    hardware, metadata = dict(device.device.metadata), dict(device.ep_metadata)
    vendor = device.device.vendor or _VENDORS.get(device.device.vendor_id, "")
    plain = f"{vendor} {found.kind.value.upper()}".strip()
    return ReachedDevice(
        backend=BACKEND,
        interface=provider.name,
        target=found.target,
        kind=found.kind,
        name=metadata.get("FULL_DEVICE_NAME") or hardware.get("Description") or plain,
        vendor=vendor,
        address=hardware.get("pci_bus_id", ""),
        version=device_version(provider, device),
        total_bytes=_megabytes(hardware.get("DxgiVideoMemory", "")),
        shares_memory=_shares_memory(found.kind, hardware, metadata),
    )


def _devices_of(provider: Provider) -> list[FoundDevice]:
    """Its devices, each with a target that does not depend on the order in which they happen to be listed."""
    listed = _listed(provider)
    if not listed:
        has = provider.name in onnxruntime.get_available_providers()
        return [_named(provider, named) for named in provider.named if has]
    found = []
    seen: dict[str, int] = {}
    for device in sorted(listed, key=_place):
        kind = DeviceKind(device.device.type.name.lower())
        ids = f"{device.device.vendor_id:x}:{device.device.device_id:x}"
        stem = _SEPARATOR.join((provider.name, kind.value, ids))
        place = _address(device) or str(seen.get(stem, 0))
        seen[stem] = seen.get(stem, 0) + 1
        target = f"{stem}{_SEPARATOR}{place}"
        found.append(FoundDevice(target=target, provider=provider, kind=kind, device=device, options={}))
    return found


def _listed(provider: Provider) -> list[Any]:
    """The provider's OrtEpDevices; those that stand for no hardware are left out."""
    return [
        device
        for device in onnxruntime.get_ep_devices()
        if device.ep_name == provider.name and not any(dict(device.device.metadata).get(key) == "1" for key in _VIRTUAL)
    ]


def _named(provider: Provider, named: NamedDevice) -> FoundDevice:
    target = _named_target(provider, named)
    return FoundDevice(target=target, provider=provider, kind=named.kind, options=named.options)


def _named_target(provider: Provider, named: NamedDevice) -> str:
    return _SEPARATOR.join((provider.name, named.kind.value, "named", named.name))


def _address(device: Any) -> str:
    hardware = dict(device.device.metadata)
    return next((hardware[key] for key in _ADDRESSES if hardware.get(key)), "")


def _place(device: Any) -> tuple[int, str]:
    hardware = dict(device.device.metadata)
    number = next((hardware[key] for key in _ORDERS if hardware.get(key, "").isdigit()), "0")
    return int(number), _address(device)


def _shares_memory(kind: DeviceKind, hardware: Mapping[str, str], metadata: Mapping[str, str]) -> bool:
    if kind is not DeviceKind.GPU:
        return True
    return hardware.get("Discrete") == "0" or metadata.get("DEVICE_TYPE") == "integrated"


def _megabytes(text: str) -> int | None:
    """Bytes of `8192 MB`; None if that is not what it says, or nothing."""
    number, _, unit = text.partition(" ")
    return (int(number) << 20 or None) if number.isdigit() and unit == "MB" else None


def _library_path(library: Library) -> str:
    if library.function:
        return str(getattr(importlib.import_module(library.module), library.function)())
    path = library_file(library)
    if path is None:
        raise FileNotFoundError(f"{library.file} is missing")
    return str(path)


def _unusable(provider: Provider, why: str) -> DeviceError:
    return DeviceError(
        f"{provider.title} is installed, but its library cannot be used: {why}.",
        f"Install {provider.packages[0]} again.",
    )
