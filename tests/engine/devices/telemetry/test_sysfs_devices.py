import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.devices.telemetry.amd import AmdGpuSource
from engine.devices.telemetry.intel_gpu import IntelGpuSource
from engine.devices.telemetry.intel_npu import IntelNpuSource
from engine.hardware import DeviceSample

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")

AMD = {
    "gpu_busy_percent": 42,
    "mem_info_vram_used": 5 << 20,
    "mem_info_gtt_used": 3 << 20,
    "hwmon/hwmon4/temp1_input": 55000,
    "hwmon/hwmon4/power1_average": 87_000_000,
}


def test_amd(tree: Callable[..., Path]) -> None:
    folder = tree(AMD)
    source = AmdGpuSource("gpu:0", folder, shares_memory=False)
    expected = DeviceSample(
        utilisation=0.42, memory_used_bytes=5 << 20, temperature_c=55.0, power_w=pytest.approx(87.0)
    )
    assert source.read(0.0) == {"gpu:0": expected}
    source.close()


def test_amd_inside_a_processor_uses_both_regions(tree: Callable[..., Path]) -> None:
    source = AmdGpuSource("gpu:0", tree(AMD), shares_memory=True)
    assert source.read(0.0)["gpu:0"].memory_used_bytes == 8 << 20


@pytest.mark.parametrize("kind", [AmdGpuSource, IntelGpuSource, IntelNpuSource])
def test_a_driver_that_says_nothing_leaves_all_unknown(kind: type, tmp_path: Path) -> None:
    more = {"shares_memory": True} if kind is AmdGpuSource else {}
    source = kind("x", tmp_path, **more)
    source.read(0.0)
    assert source.read(1.0) == {"x": DeviceSample()}
    source.close()


@pytest.mark.parametrize(
    "file", ["drm/card1/gt/gt0/throttle_reason_status", "tile0/gt1/freq0/throttle/status"], ids=["i915", "xe"]
)
def test_intel_gpu(tree: Callable[..., Path], file: str) -> None:
    folder = tree({"hwmon/hwmon1/temp2_input": 48000, "hwmon/hwmon1/energy1_input": 1_000_000, file: 0})
    source = IntelGpuSource("gpu:0", folder)
    assert source.read(0.0)["gpu:0"] == DeviceSample(temperature_c=48.0, is_throttled=False)
    tree({"hwmon/hwmon1/energy1_input": 26_000_000, file: 1})
    sample = source.read(1.0)["gpu:0"]
    assert sample.power_w == pytest.approx(25.0)
    assert sample.is_throttled is True
    assert sample.utilisation is None
    source.close()


def test_intel_npu_is_asked_once_per_second(tree: Callable[..., Path]) -> None:
    folder = tree({"npu_busy_time_us": 1_000_000, "npu_memory_utilization": 7 << 20})
    source = IntelNpuSource("npu:0", folder)
    assert source.read(0.0)["npu:0"] == DeviceSample(memory_used_bytes=7 << 20)
    tree({"npu_busy_time_us": 1_250_000})
    assert source.read(0.5)["npu:0"].utilisation is None
    assert source.read(1.0)["npu:0"].utilisation == 0.25
    tree({"npu_busy_time_us": 3_000_000})
    assert source.read(1.5)["npu:0"].utilisation == 0.25
    assert source.read(2.0)["npu:0"].utilisation == 1.0  # the driver rounds; nothing is busier than always
    source.close()
