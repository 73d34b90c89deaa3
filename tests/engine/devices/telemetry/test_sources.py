import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.devices.telemetry.pci import address_of
from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.sample_parts import merged, share
from engine.devices.telemetry.sources import Closeable, sources_for
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")

CPU = DeviceInfo(id="cpu", kind=DeviceKind.CPU, name="CPU")
PCI = "sys/bus/pci/devices"


def device(kind: DeviceKind, number: int, vendor: str = "", address: str = "0000:03:00.0") -> DeviceInfo:
    return DeviceInfo(id=f"{kind.value}:{number}", kind=kind, name="X", vendor=vendor, address=address)


def chosen(devices: list[DeviceInfo], root: Path, nvml: object = None) -> list[str]:
    sources = sources_for(devices, OurProcesses(tuple, root), root, nvml=lambda: nvml)
    for source in sources:
        assert isinstance(source, Closeable)
        source.close()
    return [
        " ".join(type(it).__name__ for it in (source, getattr(source, "_source", None)) if it is not None)
        for source in sources
    ]


def test_known_wins_over_unknown_and_first_over_later() -> None:
    first = {"cpu": DeviceSample(utilisation=0.0, cores=()), "npu:0": DeviceSample()}
    second = {"cpu": DeviceSample(utilisation=0.7, ours=0.1, power_w=3.0, is_throttled=False, cores=(0.5,))}
    third = {"cpu": DeviceSample(temperature_c=40.0, is_throttled=True), "gpu:0": DeviceSample(memory_used_bytes=0)}
    assert merged([first, second, third]) == {
        "cpu": DeviceSample(
            utilisation=0.0, ours=0.1, power_w=3.0, temperature_c=40.0, is_throttled=False, cores=(0.5,)
        ),
        "npu:0": DeviceSample(),
        "gpu:0": DeviceSample(memory_used_bytes=0),
    }


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 4, 0.25), (5, 4, 1.0), (-1, 4, 0.0), (1, 0, None)])
def test_shares(part: float, whole: float, expected: float | None) -> None:
    assert share(part, whole) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0000:01:00.0", "0000:01:00.0"),
        ("00000000:0A:00.1", "0000:0a:00.1"),
        ("", ""),
        ("luid_0x0_0x1", ""),
        ("../../0000:01:00.0", ""),
    ],
)
def test_addresses(text: str, expected: str) -> None:
    assert address_of(device(DeviceKind.GPU, 0, address=text)) == expected


def test_the_processor_has_a_source_everywhere(tmp_path: Path) -> None:
    assert chosen([CPU], tmp_path)[0] == "ProcessorSource"


@linux_only
@pytest.mark.parametrize(
    ("kind", "vendor", "expected"),
    [
        (DeviceKind.GPU, "AMD", ["LettingSleep AmdGpuSource", "FdinfoSource"]),
        (DeviceKind.GPU, "Intel", ["LettingSleep IntelGpuSource", "FdinfoSource"]),
        (DeviceKind.NPU, "Intel", ["IntelNpuSource", "FdinfoSource"]),
        (DeviceKind.NPU, "AMD", ["FdinfoSource"]),
        (DeviceKind.NPU, "", ["FdinfoSource"]),
        (DeviceKind.GPU, "NVIDIA", []),
    ],
)
def test_sources_by_vendor_and_kind(
    tree: Callable[..., Path], kind: DeviceKind, vendor: str, expected: list[str]
) -> None:
    root = tree({f"{PCI}/0000:03:00.0/class": "0x030000"})
    assert chosen([device(kind, 0, vendor)], root) == expected
    assert chosen([device(kind, 0, vendor, address="")], root) == []


@linux_only
def test_nvidia_is_asked_only_where_such_a_gpu_is(tree: Callable[..., Path]) -> None:
    class Nvml:
        NVMLError = LookupError
        nvmlShutdown = staticmethod(lambda: None)  # noqa: N815
        nvmlDeviceGetHandleByPciBusId = staticmethod(lambda address: address)  # noqa: N815

    root = tree({f"{PCI}/0000:03:00.0/class": "0x030000"})
    assert chosen([device(DeviceKind.GPU, 0, "NVIDIA")], root, Nvml()) == ["LettingSleep NvidiaSource"]

    def refused() -> None:
        raise AssertionError("the library was loaded for nothing")

    sources_for([CPU, device(DeviceKind.GPU, 0, "AMD")], OurProcesses(tuple, root), root, nvml=refused)
