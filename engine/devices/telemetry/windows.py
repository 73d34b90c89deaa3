"""GPUs and NPUs on Windows, of any vendor, from its performance counters (PDH).

The part that calls Windows has not been run: there was no such machine. What it hands over, texts and numbers as the
documentation and other programs show them, is read by functions that are tested everywhere.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from engine.devices.telemetry.kept_file import Seldom
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

ENGINES: Final = r"\GPU Engine(*)\Utilization Percentage"
DEDICATED: Final = r"\GPU Adapter Memory(*)\Dedicated Usage"
SHARED: Final = r"\GPU Adapter Memory(*)\Shared Usage"
OWN_DEDICATED: Final = r"\GPU Process Memory(*)\Dedicated Usage"
OWN_SHARED: Final = r"\GPU Process Memory(*)\Shared Usage"
COUNTERS: Final = (ENGINES, DEDICATED, SHARED, OWN_DEDICATED, OWN_SHARED)

_PERIOD_S = 1.0  # with hundreds of processes there are thousands of instances to go through
_INSTANCE = re.compile(
    r"^(?:pid_(?P<pid>\d+)_)?luid_(?P<luid>0x[0-9a-f]+_0x[0-9a-f]+)_phys_(?P<physical>\d+)"
    r"(?:_eng_(?P<engine>\d+)_engtype_(?P<type>.*))?$",
    re.IGNORECASE,
)
_NEURAL = "neural"
_DRAWING = "3d"

Readings = Mapping[str, Mapping[str, float]]
"""By counter path: value by instance name."""


class Counters(Protocol):
    """Windows' counters; a test has recorded ones."""

    def collect(self) -> Readings:
        """Read all of COUNTERS; those that this Windows does not have are not there.

        Raises:
            OSError: Windows refused.
        """

    def close(self) -> None:
        """Release them."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What the name of a counter's instance says.

    Attributes:
        pid: process; None for a whole adapter.
        adapter: locally unique number of the adapter and of the part of it.
        engine: number of the engine; None for memory.
        engine_type: `3D`, `Compute`, `Copy`, `Neural`, ...; empty for memory.
    """

    pid: int | None
    adapter: str
    engine: int | None = None
    engine_type: str = ""


@dataclass(frozen=True, slots=True)
class AdapterUse:
    """What one adapter does.

    Attributes:
        utilisation: share of its busiest engine in use, in [0, 1].
        ours: share of its busiest engine in use by our processes.
        engine_types: of its engines, in lower case.
    """

    utilisation: float
    ours: float
    engine_types: frozenset[str]


def parse_instance(name: str) -> Instance | None:
    """Read `pid_4_luid_0x00000000_0x0000C8F4_phys_0_eng_2_engtype_Copy` and the shorter forms; None for others."""
    found = _INSTANCE.match(name.partition("#")[0])  # a second instance of the same name ends in #1
    if found is None:
        return None
    pid, engine = found["pid"], found["engine"]
    return Instance(
        pid=None if pid is None else int(pid),
        adapter=f"{found['luid'].lower()}_{found['physical']}",
        engine=None if engine is None else int(engine),
        engine_type=found["type"] or "",
    )


def adapter_use(percents: Mapping[str, float], ours: Sequence[int]) -> Mapping[str, AdapterUse]:
    """What adapters do: per engine the sum over processes, per adapter the busiest engine, as Task Manager has it.

    Args:
        percents: utilisation by instance name; sums can exceed 100 a little.
        ours: our process ids.
    """
    everybody: dict[str, dict[int, float]] = {}
    our_own: dict[str, dict[int, float]] = {}
    types: dict[str, set[str]] = {}
    for name, percent in percents.items():
        instance = parse_instance(name)
        if instance is None or instance.engine is None:
            continue
        adapter, engine = instance.adapter, instance.engine
        types.setdefault(adapter, set()).add(instance.engine_type.lower())
        for kept in (everybody, our_own) if instance.pid in ours else (everybody,):
            engines = kept.setdefault(adapter, {})
            engines[engine] = engines.get(engine, 0.0) + percent / 100
    return {
        adapter: AdapterUse(
            utilisation=min(1.0, max(engines.values())),
            ours=min(1.0, max(our_own.get(adapter, {}).values(), default=0.0)),
            engine_types=frozenset(types[adapter]),
        )
        for adapter, engines in everybody.items()
    }


def adapter_bytes(sizes: Mapping[str, float], ours: Sequence[int] | None = None) -> Mapping[str, int]:
    """Memory by adapter; with `ours`, only of these processes."""
    whole: dict[str, int] = {}
    for name, size in sizes.items():
        instance = parse_instance(name)
        if instance is not None and (ours is None or instance.pid in ours):
            whole[instance.adapter] = whole.get(instance.adapter, 0) + int(size)
    return whole


def matched(devices: Sequence[DeviceInfo], uses: Mapping[str, AdapterUse]) -> Mapping[str, str]:
    """Which adapter is which device: by number where the device's address has it, else where only one can be meant.

    Returns:
        adapter by device id; devices that cannot be told apart are not there, and stay unknown.
    """
    found: dict[str, str] = {}
    for device in devices:
        address = device.address.lower().removeprefix("luid_")
        if adapter := next((adapter for adapter in uses if address and adapter.startswith(f"{address}_")), None):
            found[device.id] = adapter
    for kind in (DeviceKind.GPU, DeviceKind.NPU):
        unmatched = [device.id for device in devices if device.kind == kind and device.id not in found]
        adapters = [
            adapter
            for adapter, use in uses.items()
            if adapter not in found.values() and _is_gpu(use) == (kind == DeviceKind.GPU)
        ]
        if len(unmatched) == len(adapters) == 1:
            found[unmatched[0]] = adapters[0]
    return found


def _is_gpu(use: AdapterUse) -> bool:
    # Every GPU draws; an NPU shows engines that are neural, or that only compute and copy.
    return _DRAWING in use.engine_types and _NEURAL not in use.engine_types


class WindowsSource:
    """GPUs and NPUs as Task Manager sees them: utilisation and memory, by anybody and by Hearth's processes.

    Thread: one at a time.
    """

    def __init__(self, devices: Sequence[DeviceInfo], pids: Callable[[], Sequence[int]], counters: Counters) -> None:
        """Nothing is read yet.

        Args:
            devices: GPUs and NPUs.
            pids: Hearth's processes.
            counters: Windows' own.
        """
        self._devices = devices
        self._pids = pids
        self._counters = counters
        self._samples = Seldom(_PERIOD_S, self._read)

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What they did over the last second; nothing at first, for these counters need two looks.

        Raises:
            OSError: Windows refused.
        """
        return self._samples.value(now_s)

    def close(self) -> None:
        """Release the counters."""
        self._counters.close()

    def _read(self) -> Mapping[str, DeviceSample]:
        found, ours = self._counters.collect(), self._pids()
        uses = adapter_use(found.get(ENGINES, {}), ours)
        adapters = matched(self._devices, uses)
        return {
            device.id: DeviceSample(
                utilisation=uses[adapter].utilisation,
                ours=uses[adapter].ours,
                memory_used_bytes=_memory(found, device, adapter, (DEDICATED, SHARED)),
                memory_ours_bytes=_memory(found, device, adapter, (OWN_DEDICATED, OWN_SHARED), ours),
            )
            for device in self._devices
            if (adapter := adapters.get(device.id)) is not None
        }


def _memory(
    found: Readings, device: DeviceInfo, adapter: str, paths: tuple[str, str], ours: Sequence[int] | None = None
) -> int | None:
    wanted = paths if device.shares_memory else paths[:1]
    if any(path not in found for path in wanted):
        return None
    sizes = [adapter_bytes(found[path], ours).get(adapter) for path in wanted]
    if ours is not None:  # a process without an instance has nothing there
        return sum(size or 0 for size in sizes)
    return None if None in sizes else sum(size or 0 for size in sizes)


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _FORMAT = 0x00000200 | 0x00008000  # PDH_FMT_DOUBLE | PDH_FMT_NOCAP100
    _MORE_DATA = 0x800007D2
    _VALID = (0, 1)  # PDH_CSTATUS_VALID_DATA, PDH_CSTATUS_NEW_DATA

    class _Value(ctypes.Structure):
        _fields_ = (  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
            ("status", wintypes.DWORD),
            ("number", ctypes.c_double),
        )

    class _Item(ctypes.Structure):
        _fields_ = (  # type: ignore[mutable-override]  # as above
            ("name", wintypes.LPWSTR),
            ("value", _Value),
        )

    class PdhCounters:
        """One query of Windows' counters that stays open.

        Thread: one at a time.
        """

        def __init__(self) -> None:
            """Open it.

            Raises:
                OSError: Windows refused.
            """
            self._pdh = ctypes.WinDLL("pdh.dll")
            self._query = wintypes.HANDLE()
            if code := self._call("PdhOpenQueryW", None, ctypes.c_size_t(0), ctypes.byref(self._query)):
                raise OSError(f"Windows' performance counters could not be opened ({code:#x})")
            self._counters: dict[str, wintypes.HANDLE] = {}
            for path in COUNTERS:
                counter = wintypes.HANDLE()
                # By their English names: elsewhere the counters are called otherwise.
                if not self._call(
                    "PdhAddEnglishCounterW", self._query, path, ctypes.c_size_t(0), ctypes.byref(counter)
                ):
                    self._counters[path] = counter

        def collect(self) -> Readings:
            """Read all counters.

            Raises:
                OSError: Windows refused.
            """
            if code := self._call("PdhCollectQueryData", self._query):
                raise OSError(f"Windows' performance counters could not be read ({code:#x})")
            return {path: self._values(counter) for path, counter in self._counters.items()}

        def close(self) -> None:
            """Close the query."""
            if self._query.value is not None:
                self._call("PdhCloseQuery", self._query)
                self._query = wintypes.HANDLE()

        def _values(self, counter: wintypes.HANDLE) -> Mapping[str, float]:
            size, count = wintypes.DWORD(0), wintypes.DWORD(0)
            arguments = (counter, wintypes.DWORD(_FORMAT), ctypes.byref(size), ctypes.byref(count))
            if self._call("PdhGetFormattedCounterArrayW", *arguments, None) != _MORE_DATA:
                return {}
            buffer = ctypes.create_string_buffer(size.value)
            if self._call("PdhGetFormattedCounterArrayW", *arguments, buffer):
                return {}
            items = ctypes.cast(buffer, ctypes.POINTER(_Item))
            values: dict[str, float] = {}
            for index in range(count.value):
                item = items[index]
                if item.value.status in _VALID:
                    values[item.name] = values.get(item.name, 0.0) + float(item.value.number)
            return values

        def _call(self, name: str, *arguments: object) -> int:
            return int(self._pdh[name](*arguments)) & 0xFFFFFFFF
