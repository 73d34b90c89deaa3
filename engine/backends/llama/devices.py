"""What llama.cpp can compute on beside the processor: modules loaded, devices listed and found again.

The functions of ggml that do this are not part of the Python binding, so they are declared here.

A module, a driver or a server that is gone can end the process, so all of this runs in processes of its own:
`engine/devices/ask.py` lists, `engine/backends/llama/worker.py` computes.

Thread: one.
"""

import ctypes
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.backends.llama.native import ensure_initialised, load_backend, text_of
from engine.backends.llama.symbols import binding_version, function
from engine.errors import DeviceLostError, EngineError
from engine.hardware import DeviceKind, ReachedDevice

RPC: Final = "RPC"
_CONNECT_S: Final = 1.0
_GPU, _IGPU = 1, 2  # enum ggml_backend_dev_type; 0 is the processor, 3 a library that helps it
_PREFIXES: Final = ("libggml-", "ggml-")
_SUFFIXES: Final = (".so", ".dylib", ".dll")

_Pointer, _Text, _Size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t


class _Capabilities(ctypes.Structure):
    _fields_ = tuple(  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
        (name, ctypes.c_bool) for name in ("asynchronous", "host", "from_host", "events", "mmap")
    )


class _Properties(ctypes.Structure):
    """`struct ggml_backend_dev_props`."""

    _fields_ = (  # type: ignore[mutable-override]  # as above
        ("name", _Text),
        ("description", _Text),
        ("memory_free", _Size),
        ("memory_total", _Size),
        ("type", ctypes.c_int),
        ("device_id", _Text),
        ("capabilities", _Capabilities),
    )


@dataclass(frozen=True, slots=True)
class GgmlDevice:
    """A device of ggml.

    Attributes:
        handle: `ggml_backend_dev_t`.
        target: how `find_devices` finds it again in another process.
        interface: name of its registry: `Vulkan`, `CUDA`, `RPC`, ...
        name: as ggml calls it; unique for a registry, but for RPC servers.
        description: what it is.
        address: on the bus, or empty.
        free_bytes: of its memory now.
        total_bytes: of its memory.
        is_integrated: whether it computes in the machine's memory.
    """

    handle: int
    target: str
    interface: str
    name: str
    description: str
    address: str
    free_bytes: int
    total_bytes: int
    is_integrated: bool


def reached(
    modules: Path | None, rpc_servers: Sequence[str] = (), only: str | None = None
) -> tuple[ReachedDevice, ...]:
    """List the devices beside the processor, and say of each server that does not answer that it does not.

    May end the process: a driver that is broken does.

    Args:
        modules: folder of the loadable backends; None if there is none.
        rpc_servers: `host:port` of servers that share their devices.
        only: load this module alone (its name without prefix and suffix, such as `vulkan`).
    """
    load_modules(modules, only)
    found = [_described(device) for device in list_devices()]
    for endpoint in rpc_servers if only in {None, "rpc"} else ():
        try:
            found += [_described(device) for device in add_rpc_server(endpoint)]
        except EngineError as error:
            fault = ReachedDevice(
                backend="llama.cpp",
                interface=RPC,
                target=f"{endpoint}#0",
                kind=DeviceKind.GPU,
                name=endpoint,
                version=binding_version(),
                fault=str(error),
            )
            found.append(fault)
    return tuple(found)


def module_files(modules: Path | None) -> dict[str, Path]:
    """The loadable backends in a folder, by name (`vulkan`, `rpc`, ...)."""
    if modules is None or not modules.is_dir():
        return {}
    files = {}
    for path in sorted(modules.iterdir()):
        prefix = next((prefix for prefix in _PREFIXES if path.name.startswith(prefix)), None)
        if prefix is not None and path.suffix in _SUFFIXES:
            files[path.stem.removeprefix(prefix)] = path
    return files


def load_modules(modules: Path | None, only: str | None = None) -> tuple[str, ...]:
    """Load the backends in a folder; return the names of those that loaded.

    A module whose driver is missing does not load, or loads and has no device; neither is an error.
    """
    ensure_initialised()
    files = module_files(modules)
    wanted = files if only is None else {name: path for name, path in files.items() if name == only}
    return tuple(name for name, path in wanted.items() if load_backend(path))


def list_devices() -> tuple[GgmlDevice, ...]:
    """The graphics processors of the registries that are loaded, servers not included."""
    count = function("ggml_backend_dev_count", _Size)()
    get = function("ggml_backend_dev_get", _Pointer, _Size)
    devices = (_device(get(index)) for index in range(count))
    return tuple(device for device in devices if device is not None and device.interface != RPC)


def add_rpc_server(endpoint: str) -> tuple[GgmlDevice, ...]:
    """Connect to a server that shares its devices; the module `rpc` must be loaded.

    Raises:
        EngineError: the module is missing, or the address is none.
        DeviceLostError: nobody listens there.
    """
    registry = function("ggml_backend_reg_by_name", _Pointer, _Text)(RPC.encode())
    if not registry:
        raise EngineError("llama.cpp's RPC module is not there.", "Build it: `make backends`.")
    check_answers(endpoint)  # llama.cpp ends the process where nobody listens
    add = ctypes.CFUNCTYPE(_Pointer, _Text)(_procedure(registry, "ggml_backend_rpc_add_server"))
    server = add(endpoint.encode())
    if not server:
        raise DeviceLostError(f"The RPC server {endpoint} shares no device.", "Start it again.")
    count = function("ggml_backend_reg_dev_count", _Size, _Pointer)(server)
    get = function("ggml_backend_reg_dev_get", _Pointer, _Pointer, _Size)
    devices = (_device(get(server, index), f"{endpoint}#{index}") for index in range(count))
    return tuple(device for device in devices if device is not None)


def find_devices(targets: Sequence[str], modules: Path | None, interface: str) -> tuple[GgmlDevice, ...]:
    """Load what is needed, and find devices by the targets that `reached` gave.

    Args:
        targets: of the devices.
        modules: folder of the loadable backends.
        interface: of the devices; only its module is loaded, because another one may be broken.

    Raises:
        DeviceLostError: one is not there any more.
        EngineError: a module is missing.
    """
    name = interface.lower()
    load_modules(modules, name if name in module_files(modules) else None)
    servers: dict[str, tuple[GgmlDevice, ...]] = {}
    for target in targets:
        endpoint, mark, _ = target.rpartition("#")
        if mark and endpoint not in servers:
            servers[endpoint] = add_rpc_server(endpoint)
    known = {device.target: device for device in (*list_devices(), *(d for ds in servers.values() for d in ds))}
    if missing := [target for target in targets if target not in known]:
        raise DeviceLostError(f"llama.cpp finds no device {missing[0]} any more.", "See `hearth doctor`.")
    return tuple(known[target] for target in targets)


def free_bytes(device: GgmlDevice) -> int:
    """Memory of a device that is free now."""
    free, total = _Size(), _Size()
    ask = function("ggml_backend_dev_memory", None, _Pointer, ctypes.POINTER(_Size), ctypes.POINTER(_Size))
    ask(device.handle, ctypes.byref(free), ctypes.byref(total))
    return int(free.value)


def serve_rpc(endpoint: str, modules: Path | None, devices: int = 1) -> None:
    """Share the processor as if it were that many graphics processors; returns only when it fails.

    It is llama.cpp's own way of pooling machines, unauthenticated, and the stand-in for a graphics processor in tests.

    Raises:
        EngineError: the module is missing.
    """
    load_modules(modules, "rpc")
    registry = function("ggml_backend_reg_by_name", _Pointer, _Text)(RPC.encode())
    if not registry:
        raise EngineError("llama.cpp's RPC module is not there.", "Build it: `make backends`.")
    start = ctypes.CFUNCTYPE(None, _Text, _Text, _Size, _Size, ctypes.POINTER(_Pointer))(
        _procedure(registry, "ggml_backend_rpc_start_server")
    )
    processor = function("ggml_backend_dev_by_name", _Pointer, _Text)(b"CPU")
    start(endpoint.encode(), None, 1, devices, (_Pointer * devices)(*[processor] * devices))


def check_answers(endpoint: str) -> None:
    """See that somebody listens at `host:port`.

    Raises:
        EngineError: it is no address.
        DeviceLostError: nobody listens.
    """
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise EngineError(f"{endpoint!r} is no address of an RPC server.", "Write it as HOST:PORT.")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise DeviceLostError(f"The RPC server {endpoint} does not answer.", "Start it, or remove it.") from error


def _described(device: GgmlDevice) -> ReachedDevice:
    return ReachedDevice(
        backend="llama.cpp",
        interface=device.interface,
        target=device.target,
        kind=DeviceKind.GPU,
        name=device.description if device.interface != RPC else f"RPC server {device.target.rpartition('#')[0]}",
        address=device.address,
        version=binding_version(),
        total_bytes=device.total_bytes or None,
        free_bytes=device.free_bytes if device.total_bytes else None,
        shares_memory=device.is_integrated,
    )


def _device(handle: int, target: str = "") -> GgmlDevice | None:
    """Describe a device; None for the processor and the libraries that help it."""
    properties = _Properties()
    function("ggml_backend_dev_get_props", None, _Pointer, ctypes.POINTER(_Properties))(
        handle, ctypes.byref(properties)
    )
    if properties.type not in {_GPU, _IGPU}:
        return None
    registry = function("ggml_backend_dev_backend_reg", _Pointer, _Pointer)(handle)
    interface = text_of(function("ggml_backend_reg_name", _Text, _Pointer)(registry))
    name = text_of(properties.name)
    return GgmlDevice(
        handle=handle,
        target=target or name,
        interface=RPC if interface.startswith(RPC) else interface,
        name=name,
        description=text_of(properties.description) or name,
        address=text_of(properties.device_id),
        free_bytes=int(properties.memory_free),
        total_bytes=int(properties.memory_total),
        is_integrated=properties.type == _IGPU,
    )


def _procedure(registry: int, name: str) -> int:
    address: int | None = function("ggml_backend_reg_get_proc_address", _Pointer, _Pointer, _Text)(
        registry, name.encode()
    )
    if not address:
        raise EngineError(f"llama.cpp's RPC module has no {name}.", "Build it again: `make backends`.")
    return address
