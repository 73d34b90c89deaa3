"""What is shown of devices on a terminal and in JSON."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from engine.cli.output import human_size, plain
from engine.devices.ask import AskedFault
from engine.devices.seen.libraries import Module
from engine.devices.seen.processor import Cache, Processor
from engine.hardware import DeviceInfo, DeviceKind, DeviceRates

if TYPE_CHECKING:
    from rich.table import Table

_PROVIDER: Final = "ExecutionProvider"
_BINARY_UNITS: Final = ("bytes", "KiB", "MiB", "GiB")


def devices_document(devices: Sequence[DeviceInfo]) -> list[dict[str, Any]]:
    """Devices for JSON: all that is known of each, and whether it can be used."""
    return [{**_fields(device), "is_usable": device.is_usable} for device in devices]


def devices_table(devices: Sequence[DeviceInfo]) -> "Table":
    """One row per device."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "device", "memory", "driver", "reached through", box=box.SIMPLE_HEAD)
    for device in devices:
        ways = _ways(device) if device.is_usable else "cannot be used"
        row = (device.id, device.name, memory_text(device), device.driver or "–", ways)
        table.add_row(*(escape(text) for text in row))
    return table


def rates_table(rates: Sequence[DeviceRates]) -> "Table":
    """What was measured, a row per device and way."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "through", "decoding reads", "a prompt is read at", "graphs", box=box.SIMPLE_HEAD)
    for one in rates:
        decode = ", ".join(f"{kind} {rate / 1e9:.1f} GB/s" for kind, rate in sorted(one.decode_bytes_per_s.items()))
        prefill = ", ".join(f"{kind} {rate / 1e9:.0f} GFLOP/s" for kind, rate in sorted(one.prefill_flops.items()))
        graphs = f"{one.graph_flops / 1e9:.0f} GFLOP/s" if one.graph_flops else "–"
        way = f"{one.backend} {interface_text(one.interface)}"
        row = (one.device, way, decode or "–", prefill or "–", graphs)
        table.add_row(*(escape(text) for text in row))
    return table


def fault_lines(devices: Sequence[DeviceInfo], faults: Sequence[AskedFault]) -> Iterator[str]:
    """What cannot be used, and why; each sentence once."""
    said = set()
    for device in devices:
        if device.fault:
            said.add(device.fault)
            yield f"{device.id}: {device.fault}"
        for route in device.routes:
            if route.fault and route.fault not in said:
                said.add(route.fault)
                yield f"{device.id}, {interface_text(route.interface)}: {route.fault}"
    for fault in faults:
        if fault.sentence not in said:
            said.add(fault.sentence)
            yield fault.sentence


def memory_text(device: DeviceInfo) -> str:
    """`24.0 GB`, and whether that is memory of the machine."""
    if device.memory_bytes is None:
        return "shared" if device.shares_memory else "unknown"
    is_shared = device.shares_memory and device.kind is not DeviceKind.CPU
    return f"{human_size(device.memory_bytes)}{', shared' if is_shared else ''}"


def interface_text(interface: str) -> str:
    """The name of an interface without what all of its kind have in common."""
    return interface.removesuffix(_PROVIDER)


def caches_text(caches: Sequence[Cache]) -> str:
    """`L1 data 2 x 32 KiB, L3 32 MiB`."""
    return ", ".join(
        f"L{cache.level}{'' if cache.kind == 'unified' else f' {cache.kind}'} "
        f"{f'{cache.count} x ' if cache.count > 1 else ''}{_binary_size(cache.size_bytes)}"
        for cache in caches
    )


def processor_text(processor: Processor) -> str:
    """`AMD EPYC, 1 socket, 2 physical cores, 2 threads, of which 2 may be used`."""
    parts = [processor.name]
    for count, thing in (
        (processor.sockets, "socket"),
        (processor.physical_cores, "physical core"),
        (processor.logical_cores, "thread"),
    ):
        if count is not None:
            parts.append(f"{count} {thing}{'' if count == 1 else 's'}")
    return f"{', '.join(parts)}, {processor.usable_cores} usable"


def limits_text(processor: Processor) -> str:
    """What the control group allows; empty if it sets no limit."""
    limits = processor.limits
    parts = [] if limits.memory_bytes is None else [f"{human_size(limits.memory_bytes)} of memory"]
    if limits.cores is not None:
        parts.append(f"{limits.cores:g} cores")
    return " and ".join(parts)


def modules_text(modules: Sequence[Module]) -> str:
    """The modules of llama.cpp, and their sizes."""
    if not modules:
        return "none: it computes on the processor only; `make backends` compiles others"
    return ", ".join(f"{module.interface} ({human_size(module.size_bytes)})" for module in modules)


def _ways(device: DeviceInfo) -> str:
    by_backend: dict[str, list[str]] = {}
    for route in device.routes:
        name = interface_text(route.interface)
        if not route.fault and name not in by_backend.setdefault(route.backend, []):
            by_backend[route.backend].append(name)
    return "; ".join(f"{backend} {', '.join(names)}" for backend, names in by_backend.items() if names)


def _fields(device: DeviceInfo) -> dict[str, Any]:
    fields = plain(device)
    assert isinstance(fields, dict)
    return fields


def _binary_size(count: int) -> str:
    size, units = count, list(_BINARY_UNITS)
    while size >= 1024 and size % 1024 == 0 and len(units) > 1:
        size //= 1024
        units.pop(0)
    return f"{size} {units[0]}"
