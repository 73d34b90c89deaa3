"""Hearth's own share of GPUs and NPUs on Linux, from what their drivers note about each open handle.

The kernel's `fdinfo` of a handle on `/dev/dri/*` or `/dev/accel/*` counts engine time (amdgpu, i915, amdxdna) or cycles
(xe), and memory. It may be read for one's own processes without privileges; nobody else's are looked at.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.devices.telemetry.kept_file import KeptFile
from engine.devices.telemetry.pci import address_of
from engine.hardware import DeviceInfo, DeviceSample

SEARCH_PERIOD_S: Final = 5.0
"""Looking through all handles of a process costs about a millisecond per five hundred."""

_NODE = re.compile(r"^/dev/(dri|accel)/([\w.-]+)$")
_CLASSES = {"dri": "drm", "accel": "accel"}
_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_LEAST_INTERVAL_S = 0.05
_SPARING = {"amdgpu"}  # leaves out engines that the client has never used
_ELSEWHERE = "cpu"  # amdgpu: moved out to the machine's memory, where the GPU does not reach it
_OWN_REGION = re.compile(r"^(vram|local)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What the driver has counted for one user of a device.

    Attributes:
        key: tells users of one device apart; several handles may belong to one.
        driver: of the device.
        engine_ns: busy time by engine.
        cycles: busy cycles by engine.
        whole_cycles: all cycles by engine, since the same moment.
        capacity: how many equal units an engine consists of; 1 where it is not said.
        memory_bytes: by region.
    """

    key: str
    driver: str = ""
    engine_ns: Mapping[str, int] = field(default_factory=dict)
    cycles: Mapping[str, int] = field(default_factory=dict)
    whole_cycles: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    memory_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts_time(self) -> bool:
        """Whether the driver says how long its engines worked."""
        return bool(self.engine_ns or self.cycles) or self.driver in _SPARING


def parse_client(text: str) -> Client | None:
    """Read the text of one handle; None if its driver does not take part, or the handle is none of a device."""
    said = {"drm-client-id": "", "drm-driver": ""}
    found: dict[str, dict[str, int]] = {
        name: {} for name in ("engine-capacity", "engine", "total-cycles", "cycles", "resident", "memory", "total")
    }
    for line in text.splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if not name.startswith("drm-") or not words:
            continue
        if name in said:
            said[name] = words[0]
            continue
        kind = next((kind for kind in found if name.startswith(f"drm-{kind}-")), None)
        if kind is not None and words[0].isdigit():
            unit = words[1] if len(words) > 1 else ""
            found[kind][name[len(kind) + 5 :]] = int(words[0]) * _UNITS.get(unit, 1)
    if not said["drm-client-id"]:
        return None
    # `memory` is amdgpu's older word for `resident`; `total` counts what is promised and not there yet.
    memory = {**found["total"], **found["memory"], **found["resident"]}
    return Client(
        key=said["drm-client-id"],
        driver=said["drm-driver"],
        engine_ns=found["engine"],
        cycles=found["cycles"],
        whole_cycles=found["total-cycles"],
        capacity=found["engine-capacity"],
        memory_bytes=memory,
    )


def busy_share(before: Mapping[str, Client], now: Mapping[str, Client], interval_s: float) -> float:
    """Share of the busiest engine that some users had over an interval, in [0, 1]; newcomers count from the next on.

    The busiest engine, and not the mean: a GPU whose compute engine never rests is full, however idle its video engine.

    Args:
        before: users by key, at the beginning.
        now: users by key, at the end.
        interval_s: between them.
    """
    engines: dict[str, float] = {}
    for key in now.keys() & before.keys():
        new, old = now[key], before[key]
        for engine, ns in new.engine_ns.items():
            part = (ns - old.engine_ns.get(engine, 0)) / (interval_s * 1e9)
            engines[engine] = engines.get(engine, 0.0) + part / new.capacity.get(engine, 1)
        for engine, cycles in new.cycles.items():
            whole = new.whole_cycles.get(engine, 0) - old.whole_cycles.get(engine, 0)
            part = (cycles - old.cycles.get(engine, 0)) / whole if whole > 0 else 0.0
            engines[engine] = engines.get(engine, 0.0) + part / new.capacity.get(engine, 1)
    return min(1.0, max(0.0, max(engines.values(), default=0.0)))


@dataclass(slots=True)
class _Device:
    """One device: what it is, and what was counted when."""

    id: str
    shares_memory: bool
    at_s: float | None = None
    clients: dict[str, Client] = field(default_factory=dict)
    ours: float | None = None


class FdinfoSource:
    """How much of GPUs and NPUs Hearth's processes use: time, and memory.

    Without a handle on a device, Hearth does not use it: 0 is then known. With one whose driver does not count, it is
    unknown.

    Thread: one at a time.
    """

    def __init__(
        self, devices: Sequence[DeviceInfo], pids: Callable[[], Sequence[int]], root: Path = Path("/")
    ) -> None:
        """Look for handles at the first reading.

        Args:
            devices: those with an address on the bus are covered.
            pids: Hearth's processes, this one first.
            root: where `proc` and `sys` are; a test gives its own.
        """
        self._devices = {
            address: _Device(device.id, device.shares_memory) for device in devices if (address := address_of(device))
        }
        self._pids = pids
        self._root = root
        self._searched_s: float | None = None
        self._handles: dict[tuple[int, str], tuple[str, KeptFile]] = {}  # by process and handle: address, file
        self._is_hidden = False  # a process of ours does not show its handles

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What they use; `now_s` is on the monotonic clock."""
        if self._searched_s is None or now_s - self._searched_s >= SEARCH_PERIOD_S:
            self._searched_s = now_s
            self._search()
        clients: dict[str, dict[str, Client]] = {address: {} for address in self._devices}
        silent = set()
        for address, file in self._handles.values():
            text = file.text()
            client = None if text is None else parse_client(text)
            if client is not None:
                clients[address][client.key] = client
            elif text is not None:
                silent.add(address)
        return {
            device.id: DeviceSample() if address in silent or self._is_hidden else _sampled(device, now, now_s)
            for address, device in self._devices.items()
            for now in (clients[address],)
        }

    def close(self) -> None:
        """Release the files."""
        for _, file in self._handles.values():
            file.close()
        self._handles.clear()

    def _search(self) -> None:
        self._is_hidden = False
        found = dict(self._open_handles())
        for key in self._handles.keys() - found.keys():
            self._handles.pop(key)[1].close()
        for key, address in found.items():
            kept = self._handles.get(key)
            if kept is None or kept[0] != address:
                if kept is not None:
                    kept[1].close()
                pid, handle = key
                self._handles[key] = address, KeptFile(self._root / f"proc/{pid}/fdinfo/{handle}")

    def _open_handles(self) -> Iterator[tuple[tuple[int, str], str]]:
        addresses: dict[str, str] = {}  # by node: the handles of a process are on few of them
        for pid in self._pids():
            folder = self._root / f"proc/{pid}/fd"
            try:
                handles = os.listdir(folder)
            except FileNotFoundError:  # it has ended
                continue
            except OSError:
                self._is_hidden = True
                continue
            for handle in handles:
                try:
                    target = os.readlink(f"{folder}/{handle}")
                except OSError:  # closed meanwhile
                    continue
                if target.startswith("/dev/"):
                    if target not in addresses:
                        addresses[target] = self._address_behind(target)
                    if addresses[target] in self._devices:
                        yield (pid, handle), addresses[target]

    def _address_behind(self, target: str) -> str:
        found = _NODE.match(target)
        if found is None:
            return ""
        try:
            return (self._root / "sys/class" / _CLASSES[found[1]] / found[2] / "device").resolve(strict=True).name
        except OSError:
            return ""


def _sampled(device: _Device, now: dict[str, Client], now_s: float) -> DeviceSample:
    if device.at_s is None or now_s - device.at_s >= _LEAST_INTERVAL_S:
        if any(not client.counts_time for client in now.values()):
            device.ours = None
        elif device.at_s is not None or not now:
            device.ours = busy_share(device.clients, now, now_s - (device.at_s or 0.0))
        device.at_s, device.clients = now_s, now
    sizes = [_memory(client, shares_memory=device.shares_memory) for client in now.values()]
    known = [size for size in sizes if size is not None]
    return DeviceSample(ours=device.ours, memory_ours_bytes=sum(known) if len(known) == len(sizes) else None)


def _memory(client: Client, *, shares_memory: bool) -> int | None:
    sizes = [
        size
        for region, size in client.memory_bytes.items()
        if region != _ELSEWHERE and (shares_memory or _OWN_REGION.match(region))
    ]
    return sum(sizes) if sizes else None
