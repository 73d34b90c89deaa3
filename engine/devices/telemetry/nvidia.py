"""GPUs of NVIDIA, through the library that their driver brings (NVML), on Linux and Windows."""

# ruff: noqa: N815 - NVML's own names

import importlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from engine.devices.telemetry.kept_file import Seldom
from engine.devices.telemetry.pci import address_of
from engine.hardware import DeviceInfo, DeviceSample

log = logging.getLogger(__name__)

SLOWED_DOWN: Final = 0x4 | 0x8 | 0x20 | 0x40 | 0x80
"""NVML's reasons for a low clock that are heat or power: a power cap, hardware, heat (two of them), a power brake."""

_SLOW_PERIOD_S = 2.0
_FIRST_NAMESPACE = "pid:[4026531836]"  # a constant of Linux
_TEMPERATURE_SENSOR = 0

Answer = TypeVar("Answer")


class Nvml(Protocol):
    """What is asked of NVML, by the names that its Python binding `pynvml` gives it; tests have a stand-in."""

    NVMLError: type[Exception]
    NVMLError_NotFound: type[Exception]
    nvmlInit: Callable[[], None]
    nvmlShutdown: Callable[[], None]
    nvmlDeviceGetHandleByIndex: Callable[[int], Any]
    nvmlDeviceGetHandleByPciBusId: Callable[[str], Any]
    nvmlDeviceGetUtilizationRates: Callable[[Any], Any]
    nvmlDeviceGetMemoryInfo: Callable[[Any], Any]
    nvmlDeviceGetTemperature: Callable[[Any, int], int]
    nvmlDeviceGetPowerUsage: Callable[[Any], int]
    nvmlDeviceGetCurrentClocksThrottleReasons: Callable[[Any], int]
    nvmlDeviceGetComputeRunningProcesses: Callable[[Any], Sequence[Any]]
    nvmlDeviceGetGraphicsRunningProcesses: Callable[[Any], Sequence[Any]]
    nvmlDeviceGetProcessUtilization: Callable[[Any, int], Sequence[Any]]


def load_nvml() -> Nvml | None:
    """Load and begin NVML; None where there is none, which is the case without NVIDIA's driver."""
    try:
        nvml = cast("Nvml", importlib.import_module("pynvml"))  # 50 ms, so only where such a GPU is
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        log.info("NVIDIA's library says nothing about the GPU: %s", error)
        return None
    return nvml


class NvidiaSource:
    """One GPU of NVIDIA: utilisation, memory, heat, power, throttling, and what Hearth's processes have of it.

    What the device does not support is unknown.

    Thread: one at a time.
    """

    def __init__(
        self, device: DeviceInfo, number: int, pids: Callable[[], Sequence[int]], nvml: Nvml, root: Path = Path("/")
    ) -> None:
        """Find the device; one that NVML does not know stays unknown.

        Args:
            device: a GPU of NVIDIA.
            number: which of them it is, for one without an address.
            pids: Hearth's processes.
            nvml: the library, begun; this source ends it.
            root: where `proc` is; a test gives its own.
        """
        self._device = device.id
        self._nvml = nvml
        self._handle = _handle(nvml, device, number)
        self._pids = pids if _sees_the_same_pids(root) else None
        self._seen_us = 0  # time of the newest sample of our own use
        self._temperature = Seldom(_SLOW_PERIOD_S, self._read_temperature)
        self._memory_ours = Seldom(_SLOW_PERIOD_S, self._read_memory_ours)

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What it does; `now_s` is on the monotonic clock."""
        return {} if self._handle is None else {self._device: self._sample(now_s)}

    def close(self) -> None:
        """Release the library."""
        _asked(self._nvml, self._nvml.nvmlShutdown)

    def _sample(self, now_s: float) -> DeviceSample:
        nvml, handle = self._nvml, self._handle
        rates = _asked(nvml, nvml.nvmlDeviceGetUtilizationRates, handle)
        memory = _asked(nvml, nvml.nvmlDeviceGetMemoryInfo, handle)
        milliwatts = _asked(nvml, nvml.nvmlDeviceGetPowerUsage, handle)
        reasons = _asked(nvml, nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return DeviceSample(
            utilisation=None if rates is None else min(1.0, rates.gpu / 100),
            ours=self._ours(),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_ours_bytes=self._memory_ours.value(now_s),
            temperature_c=self._temperature.value(now_s),
            power_w=None if milliwatts is None else milliwatts / 1000,
            is_throttled=None if reasons is None else bool(reasons & SLOWED_DOWN),
        )

    def _ours(self) -> float | None:
        """Mean over the driver's samples since the last look, the shares of our processes added up."""
        if self._pids is None:
            return None
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(self._handle, self._seen_us)
        except self._nvml.NVMLError_NotFound:  # nobody at all has used it since
            return 0.0
        except self._nvml.NVMLError:
            return None
        shares: dict[int, list[float]] = {pid: [] for pid in self._pids()}
        for sample in samples:
            if sample.timeStamp > self._seen_us and sample.pid in shares:
                shares[sample.pid].append(sample.smUtil / 100)
        self._seen_us = max((int(sample.timeStamp) for sample in samples), default=self._seen_us)
        return min(1.0, sum(sum(found) / len(found) for found in shares.values() if found))

    def _read_temperature(self) -> float | None:
        celsius = _asked(self._nvml, self._nvml.nvmlDeviceGetTemperature, self._handle, _TEMPERATURE_SENSOR)
        return None if celsius is None else float(celsius)

    def _read_memory_ours(self) -> int | None:
        if self._pids is None:
            return None
        nvml, ours = self._nvml, set(self._pids())
        sizes: dict[int, int] = {}  # a process that computes and draws is in both lists
        for ask in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
            found = _asked(nvml, ask, self._handle)
            if found is None:
                return None
            for process in found:
                if process.pid in ours:
                    if process.usedGpuMemory is None:  # Windows keeps it to itself
                        return None
                    sizes[process.pid] = max(sizes.get(process.pid, 0), int(process.usedGpuMemory))
        return sum(sizes.values())


def _asked(nvml: Nvml, ask: Callable[..., Answer], *arguments: object) -> Answer | None:
    try:
        return ask(*arguments)
    except nvml.NVMLError:  # not supported, not permitted, or the GPU is gone
        return None


def _handle(nvml: Nvml, device: DeviceInfo, number: int) -> object | None:
    if address := address_of(device):
        return cast("object | None", _asked(nvml, nvml.nvmlDeviceGetHandleByPciBusId, address))
    return cast("object | None", _asked(nvml, nvml.nvmlDeviceGetHandleByIndex, number))


def _sees_the_same_pids(root: Path) -> bool:
    """Whether NVML's process ids mean the same as ours: in a container they are the host's, and say nothing to us."""
    try:
        return os.readlink(root / "proc/self/ns/pid") == _FIRST_NAMESPACE
    except OSError:  # Windows has no such thing
        return True
