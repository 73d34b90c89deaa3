"""Where samples of devices come from, and which sources a machine needs."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from engine.devices.telemetry.amd import AmdGpuSource
from engine.devices.telemetry.drm_fdinfo import FdinfoSource
from engine.devices.telemetry.intel_gpu import IntelGpuSource
from engine.devices.telemetry.intel_npu import IntelNpuSource
from engine.devices.telemetry.nvidia import NvidiaSource, Nvml, load_nvml
from engine.devices.telemetry.pci import folder_of
from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.processor import ProcessorSource
from engine.devices.telemetry.processor_sensors import ProcessorSensorsSource
from engine.devices.telemetry.sleep import IsAtWork, LettingSleep
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

log = logging.getLogger(__name__)


class Source(Protocol):
    """Says something about some devices.

    Thread: one at a time.
    """

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What the devices did since the last call, by id, as far as this source knows; quick.

        A source that raises three times in a row is not asked again.

        Args:
            now_s: on the monotonic clock.
        """


@runtime_checkable
class Closeable(Protocol):
    """What a source is that holds something: files, a library."""

    def close(self) -> None:
        """Release it; nothing is read afterwards."""


def sources_for(
    devices: Sequence[DeviceInfo],
    processes: OurProcesses,
    root: Path = Path("/"),
    is_at_work: IsAtWork = lambda _: False,
    nvml: Callable[[], Nvml | None] = load_nvml,
) -> tuple[Source, ...]:
    """Choose sources by vendor and system; takes some tenths of a second where NVIDIA's library is loaded.

    On macOS only the processor has one: its other figures come from private libraries.

    Args:
        devices: of this machine.
        processes: those that are ours.
        root: where `proc` and `sys` are; a test gives its own.
        is_at_work: whether Hearth gives a device work; an idle one is looked at less often, so that it can sleep.
        nvml: loads NVIDIA's library.

    Returns:
        the sources, the best first where two of them know the same.
    """
    chosen = [_of_processors, _of_nvidia]
    if sys.platform == "linux":
        chosen += [_of_sysfs, _of_handles]
    wanted = _Wanted(devices, processes, root, is_at_work, nvml)
    sources = [source for choose in chosen for source in choose(wanted)]
    if sys.platform == "win32":
        sources += _of_windows(wanted)
    return tuple(sources)


class _Wanted:
    """What the sources are for."""

    def __init__(
        self,
        devices: Sequence[DeviceInfo],
        processes: OurProcesses,
        root: Path,
        is_at_work: IsAtWork,
        nvml: Callable[[], Nvml | None],
    ) -> None:
        self.processes = processes
        self.root = root
        self.is_at_work = is_at_work
        self.nvml = nvml
        self.processors = [device for device in devices if device.kind == DeviceKind.CPU]
        self.others = [device for device in devices if device.kind != DeviceKind.CPU]
        self.nvidia = [device for device in self.others if device.vendor == "NVIDIA"]


def _of_processors(wanted: _Wanted) -> Iterator[Source]:
    for device in wanted.processors:
        yield ProcessorSource(device.id, wanted.processes, wanted.root)


def _of_nvidia(wanted: _Wanted) -> Iterator[Source]:
    for number, device in enumerate(wanted.nvidia):
        nvml = wanted.nvml()  # loaded once, begun and ended for each
        if nvml is not None:
            source = NvidiaSource(device, number, wanted.processes.pids, nvml, wanted.root)
            yield LettingSleep(device.id, folder_of(device, wanted.root), source, wanted.is_at_work)


def _of_sysfs(wanted: _Wanted) -> Iterator[Source]:
    for device in wanted.processors:
        yield ProcessorSensorsSource(device.id, wanted.root)
    for device in wanted.others:
        folder = folder_of(device, wanted.root)
        match (device.vendor, device.kind):
            case _ if folder is None:
                continue
            case ("AMD", DeviceKind.GPU):
                source = AmdGpuSource(device.id, folder, shares_memory=device.shares_memory)
                yield LettingSleep(device.id, folder, source, wanted.is_at_work)
            case ("Intel", DeviceKind.GPU):
                yield LettingSleep(device.id, folder, IntelGpuSource(device.id, folder), wanted.is_at_work)
            case ("Intel", DeviceKind.NPU):
                yield IntelNpuSource(device.id, folder)


def _of_handles(wanted: _Wanted) -> Iterator[Source]:
    noting = [device for device in wanted.others if device not in wanted.nvidia and folder_of(device, wanted.root)]
    if noting:
        yield FdinfoSource(noting, wanted.processes.pids, wanted.root)


if sys.platform == "win32":

    def _of_windows(wanted: _Wanted) -> list[Source]:
        from engine.devices.telemetry.windows import PdhCounters, WindowsSource

        if not wanted.others:
            return []
        try:
            return [WindowsSource(wanted.others, wanted.processes.pids, PdhCounters())]
        except OSError as error:
            log.info("Nothing is known about GPUs and NPUs: %s", error)
            return []
