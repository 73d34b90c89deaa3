"""Puts together what the system sees and what the backends reach: one device each, with all the ways to it.

Everything here is arithmetic on values: nothing is loaded, asked or read.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from engine.backends.onnx.providers import PROVIDERS
from engine.devices.ask import LLAMA, ONNX, AskedFault
from engine.devices.seen.device import SeenDevice, pci_address, vendor_of
from engine.devices.unreached import llama_interfaces, plain_interface, why_unreached
from engine.hardware import DeviceInfo, DeviceKind, ReachedDevice, Route

RPC: Final = "RPC"
CPU_INTERFACES: Final = ((LLAMA, "CPU"), (ONNX, "CPUExecutionProvider"))
"""The ways to the processor, which need not be asked for."""

_ORDER: Final = (
    *CPU_INTERFACES,
    *((LLAMA, name) for name in ("CUDA", "Metal", "HIP", "SYCL", "MUSA", "CANN", "Vulkan", "OpenCL", RPC)),
    *((ONNX, provider.name) for provider in PROVIDERS),
)
_SOFTWARE: Final = ("llvmpipe", "lavapipe", "swiftshader", "basic render driver")
_SAME_NAME: Final = 0.5  # share of words; a guess
_NOISE: Final = {"r", "tm", "c", "corporation", "inc", "graphics", "gpu", "npu", "device", "series", "adapter"}


@dataclass(slots=True)
class _Unit:
    """A device while it is put together."""

    kind: DeviceKind
    vendor: str
    address: str
    seen: SeenDevice | None = None
    reached: list[ReachedDevice] = field(default_factory=list)

    @property
    def is_local(self) -> bool:
        """Whether it is hardware of this machine."""
        return not any(is_software(device.name) or device.interface == RPC for device in self.reached)

    @property
    def shares_memory(self) -> bool:
        seen = self.seen is not None and self.seen.shares_memory
        return seen or any(it.shares_memory or is_software(it.name) for it in self.reached)

    @property
    def memory_bytes(self) -> int | None:
        told = [device.total_bytes for device in self.reached if device.total_bytes is not None]
        own = self.seen.memory_bytes if self.seen is not None else None
        return own if own is not None else max(told, default=None)

    @property
    def name(self) -> str:
        names = [device.name for device in self.reached if device.name]
        name = (self.seen.name if self.seen is not None else "") or next(iter(names), "")
        name = name or f"{self.vendor} {self.kind.upper()}".strip()
        if not self.is_local and not is_software(name):
            return name if RPC in name else f"RPC server {name}"
        return f"{name}, in software" if is_software(name) else name

    def is_used_by(self, device: ReachedDevice) -> bool:
        """Whether the same backend reaches it in the same way already."""
        return any((it.backend, it.interface) == (device.backend, device.interface) for it in self.reached)

    def rank(self) -> tuple[object, ...]:
        """Where it stands among its kind: cards first, then what is built in, servers, and last what only pretends."""
        if any(is_software(device.name) for device in self.reached):
            group = 3
        else:
            group = 2 if not self.is_local else int(self.shares_memory)
        ways = sorted(map(repr, self.reached))
        place = (not self.address, self.address)
        return (group, -(self.memory_bytes or 0), place, self.name, self.vendor, repr(self.seen), ways)


def match(
    seen: Sequence[SeenDevice],
    reached: Sequence[ReachedDevice],
    faults: Sequence[AskedFault] = (),
    installed: Collection[str] = (),
) -> tuple[DeviceInfo, ...]:
    """Make one list of devices, the processor first; the order of what is given makes no difference.

    A device that is reached goes to the one that was seen at its address; without an address, to the next one of its
    maker and kind that the backend does not reach yet, the most similar name first. What nobody has seen (a server, a
    driver without hardware) is a device of its own. Nothing is dropped, and nothing counts twice.

    Args:
        seen: by the system; a processor among them gives the first device its name.
        reached: by the backends.
        faults: what could not be asked.
        installed: interfaces that this installation could go through, as in `Route`.
    """
    units = sorted((_unit(device) for device in seen if device.kind is not DeviceKind.CPU), key=_Unit.rank)
    for device in sorted(reached, key=_strongest_first):
        if device.kind is not DeviceKind.CPU:
            _place(units, device)
    processor = min((device for device in seen if device.kind is DeviceKind.CPU), key=repr, default=None)
    ways = [device for device in reached if device.kind is DeviceKind.CPU]
    devices = [_processor(processor, ways, faults)]
    for kind in (DeviceKind.GPU, DeviceKind.NPU):
        ranked = sorted((unit for unit in units if unit.kind is kind), key=_Unit.rank)
        devices += [_info(f"{kind}:{index}", unit, faults, installed) for index, unit in enumerate(ranked)]
    return tuple(devices)


def is_software(name: str) -> bool:
    """Whether a graphics processor of this name is a program that computes on the processor."""
    return any(word in name.lower() for word in _SOFTWARE)


def _unit(device: SeenDevice) -> _Unit:
    return _Unit(device.kind, device.vendor or vendor_of(device.name), pci_address(device.address), device)


def _place(units: list[_Unit], device: ReachedDevice) -> None:
    unit = _found(units, device)
    if unit is None:
        unit = _Unit(device.kind, _vendor(device), pci_address(device.address))
        units.append(unit)
    unit.reached.append(device)
    unit.address = unit.address or pci_address(device.address)
    unit.vendor = unit.vendor or _vendor(device)


def _found(units: Sequence[_Unit], device: ReachedDevice) -> _Unit | None:
    if device.interface == RPC:
        return None  # it is a device of another machine, whatever it is called
    address = pci_address(device.address)
    if is_software(device.name):
        same = [unit for unit in units if not unit.is_used_by(device) and is_software(unit.name)]
        return next((unit for unit in same if _likeness(unit.name, device.name) >= _SAME_NAME), None)
    local = [unit for unit in units if unit.is_local]
    if address and (there := next((unit for unit in local if unit.address == address), None)):
        return there
    free = [
        unit
        for unit in local
        if unit.kind is device.kind and not unit.is_used_by(device) and not (address and unit.address)
    ]
    alike = [unit for unit in free if _may_be(unit, device)]
    return max(alike, key=lambda unit: _resemblance(unit, device), default=None)  # of equals the first


def _may_be(unit: _Unit, device: ReachedDevice) -> bool:
    vendor = _vendor(device)
    if vendor and unit.vendor and vendor != unit.vendor:
        return False
    if unit.seen is not None:
        return True
    # Two backends may describe the same device, or two devices, each of which only one of them reaches.
    models, others = _models(unit.name), _models(device.name)
    return not (models and others) or bool(models & others)


def _resemblance(unit: _Unit, device: ReachedDevice) -> tuple[bool, bool, float]:
    same_maker = bool(unit.vendor) and unit.vendor == _vendor(device)
    return same_maker, unit.shares_memory == device.shares_memory, _likeness(unit.name, device.name)


def _vendor(device: ReachedDevice) -> str:
    return vendor_of(device.vendor) or vendor_of(device.name) or device.vendor


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", name.lower())) - _NOISE


def _models(name: str) -> set[str]:
    """The words that tell devices of one maker apart: `4090`, `780m`."""
    return {word for word in _words(name) if len(word) > 2 and any(letter.isdigit() for letter in word)}


def _likeness(name: str, other: str) -> float:
    words, others = _words(name), _words(other)
    return len(words & others) / max(1, min(len(words), len(others)))


def _strongest_first(device: ReachedDevice) -> tuple[object, ...]:
    """Those with an address first, because they leave no doubt; then as the backends count them, 2 before 10."""
    count = [int(part) if part.isdigit() else 0 for part in re.split(r"(\d+)", device.target)]
    return (not device.address, *_way(device.backend, device.interface), count, device.target, repr(device))


def _way(backend: str, interface: str) -> tuple[int, str, str]:
    way = (backend, plain_interface(interface))
    return (_ORDER.index(way) if way in _ORDER else len(_ORDER), *way)


def _routes(reached: Sequence[ReachedDevice]) -> list[Route]:
    ways = sorted(reached, key=lambda it: (bool(it.fault), *_way(it.backend, it.interface), it.target, repr(it)))
    return [
        Route(
            backend=device.backend,
            interface=device.interface,
            target=device.target,
            version=device.version,
            free_bytes=device.free_bytes,
            fault=device.fault,
        )
        for device in ways
    ]


def _processor(seen: SeenDevice | None, reached: Sequence[ReachedDevice], faults: Sequence[AskedFault]) -> DeviceInfo:
    seen = seen or SeenDevice(kind=DeviceKind.CPU, name="Processor", shares_memory=True)
    known = {(device.backend, device.interface) for device in reached}
    given = [
        ReachedDevice(backend=backend, interface=interface, target="CPU", kind=DeviceKind.CPU, name=seen.name)
        for backend, interface in CPU_INTERFACES
        if (backend, interface) not in known
    ]
    broken = {(fault.backend, fault.interface): fault.sentence for fault in faults}
    routes = [
        route if route.fault else replace(route, fault=broken.get((route.backend, route.interface), ""))
        for route in _routes([*given, *reached])
    ]
    routes.sort(key=lambda route: bool(route.fault))
    return DeviceInfo(
        id=DeviceKind.CPU.value,
        kind=DeviceKind.CPU,
        name=seen.name,
        vendor=seen.vendor,
        driver=seen.driver,
        memory_bytes=seen.memory_bytes,
        shares_memory=True,
        routes=tuple(routes),
        fault=routes[0].fault,
    )


def _info(identity: str, unit: _Unit, faults: Sequence[AskedFault], installed: Collection[str]) -> DeviceInfo:
    routes = _routes(unit.reached)
    if unit.kind is DeviceKind.GPU and unit.is_local:
        wanted, known = llama_interfaces(unit.vendor), {plain_interface(route.interface) for route in routes}
        routes += [
            Route(backend=LLAMA, interface=fault.interface, fault=fault.sentence)
            for fault in faults
            if fault.backend == LLAMA and fault.interface in wanted and fault.interface not in known
        ]
    if any(not route.fault for route in routes):
        fault = ""
    elif unit.reached or unit.seen is None:
        fault = routes[0].fault if routes else ""
    else:
        fault = why_unreached(unit.seen, installed, faults)
    return DeviceInfo(
        id=identity,
        kind=unit.kind,
        name=unit.name,
        vendor=unit.vendor,
        driver=unit.seen.driver if unit.seen is not None else "",
        address=unit.address,
        memory_bytes=unit.memory_bytes,
        shares_memory=unit.shares_memory,
        routes=tuple(routes),
        fault=fault,
    )
