from collections.abc import Mapping

import pytest

from engine.devices.telemetry.windows import (
    COUNTERS,
    DEDICATED,
    ENGINES,
    OWN_DEDICATED,
    OWN_SHARED,
    SHARED,
    AdapterUse,
    Instance,
    WindowsSource,
    adapter_bytes,
    adapter_use,
    matched,
    parse_instance,
)
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

GPU_LUID = "luid_0x00000000_0x0000C8F4"
NPU_LUID = "luid_0x00000000_0x0001A2B3"
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU")
NPU = DeviceInfo(id="npu:0", kind=DeviceKind.NPU, name="NPU", shares_memory=True)
GPU_USE = AdapterUse(0.5, 0.1, frozenset({"3d", "copy"}))
NPU_USE = AdapterUse(0.5, 0.1, frozenset({"neural"}))

PERCENTS = {
    f"pid_4_{GPU_LUID}_phys_0_eng_0_engtype_3D": 30.0,
    f"pid_4711_{GPU_LUID}_phys_0_eng_0_engtype_3D": 25.0,
    f"pid_4711_{GPU_LUID}_phys_0_eng_1_engtype_Compute_0": 10.0,
    f"pid_4_{GPU_LUID}_phys_0_eng_5_engtype_VideoDecode": 12.0,
    f"pid_4711_{NPU_LUID}_phys_0_eng_0_engtype_Neural": 101.5,
    "something else": 99.0,
}
MEMORY = {
    DEDICATED: {f"{GPU_LUID}_phys_0": 4e9, f"{NPU_LUID}_phys_0": 0.0},
    SHARED: {f"{GPU_LUID}_phys_0": 1e9, f"{NPU_LUID}_phys_0": 2e9},
    OWN_DEDICATED: {f"pid_4711_{GPU_LUID}_phys_0": 3e9, f"pid_4_{GPU_LUID}_phys_0": 5e8},
    OWN_SHARED: {f"pid_4711_{NPU_LUID}_phys_0": 1.5e9},
}


class Recorded:
    """Counters whose values were written down."""

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        self.values = values
        self.calls: list[str] = []

    def collect(self) -> Mapping[str, Mapping[str, float]]:
        self.calls.append("collect")
        return self.values

    def close(self) -> None:
        self.calls.append("close")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            f"pid_4_{GPU_LUID}_phys_0_eng_2_engtype_High Priority Compute",
            Instance(4, "0x00000000_0x0000c8f4_0", 2, "High Priority Compute"),
        ),
        (f"{GPU_LUID}_phys_1", Instance(None, "0x00000000_0x0000c8f4_1")),
        (f"pid_77_{GPU_LUID}_phys_0#1", Instance(77, "0x00000000_0x0000c8f4_0")),
        ("_Total", None),
        ("", None),
    ],
)
def test_names_of_instances(name: str, expected: Instance | None) -> None:
    assert parse_instance(name) == expected


def test_an_adapter_is_as_busy_as_its_busiest_engine() -> None:
    uses = adapter_use(PERCENTS, [4711])
    gpu, npu = uses["0x00000000_0x0000c8f4_0"], uses["0x00000000_0x0001a2b3_0"]
    assert gpu.utilisation == pytest.approx(0.55)
    assert gpu.ours == pytest.approx(0.25)
    assert gpu.engine_types == {"3d", "compute_0", "videodecode"}
    assert (npu.utilisation, npu.ours) == (1.0, 1.0)
    assert adapter_use({}, [4711]) == {}


def test_memory_by_adapter() -> None:
    assert adapter_bytes(MEMORY[OWN_DEDICATED])["0x00000000_0x0000c8f4_0"] == 3_500_000_000
    assert adapter_bytes(MEMORY[OWN_DEDICATED], [4]) == {"0x00000000_0x0000c8f4_0": 500_000_000}


def test_adapters_are_matched_where_only_one_can_be_meant() -> None:
    uses = {"0x0_0x1_0": GPU_USE, "0x0_0x2_0": NPU_USE}
    assert matched([GPU, NPU], uses) == {"gpu:0": "0x0_0x1_0", "npu:0": "0x0_0x2_0"}
    two = {**uses, "0x0_0x3_0": GPU_USE}
    assert matched([GPU, NPU], two) == {"npu:0": "0x0_0x2_0"}
    numbered = DeviceInfo(id="gpu:1", kind=DeviceKind.GPU, name="GPU", address="luid_0x0_0x3")
    assert matched([GPU, numbered, NPU], two) == {"gpu:1": "0x0_0x3_0", "gpu:0": "0x0_0x1_0", "npu:0": "0x0_0x2_0"}


def test_an_npu_without_a_neural_engine_only_computes() -> None:
    computing = AdapterUse(0.1, 0.0, frozenset({"compute", "copy"}))
    assert matched([NPU], {"0x0_0x2_0": computing, "0x0_0x1_0": GPU_USE}) == {"npu:0": "0x0_0x2_0"}


def test_recorded_counters_become_samples() -> None:
    counters = Recorded({ENGINES: PERCENTS, **MEMORY})
    assert counters.values.keys() == set(COUNTERS)
    source = WindowsSource([GPU, NPU], lambda: [4711], counters)
    expected = {
        "gpu:0": DeviceSample(
            utilisation=pytest.approx(0.55),
            ours=pytest.approx(0.25),
            memory_used_bytes=4_000_000_000,
            memory_ours_bytes=3_000_000_000,
        ),
        "npu:0": DeviceSample(
            utilisation=1.0, ours=1.0, memory_used_bytes=2_000_000_000, memory_ours_bytes=1_500_000_000
        ),
    }
    assert source.read(0.0) == expected
    assert source.read(0.5) == expected
    assert counters.calls == ["collect"]
    source.read(1.0)
    source.close()
    assert counters.calls == ["collect", "collect", "close"]


def test_an_old_windows_without_some_counters() -> None:
    sample = WindowsSource([GPU], lambda: [4711], Recorded({ENGINES: PERCENTS})).read(0.0)["gpu:0"]
    assert sample.utilisation == pytest.approx(0.55)
    assert (sample.memory_used_bytes, sample.memory_ours_bytes) == (None, None)
    assert WindowsSource([GPU], lambda: [4711], Recorded({})).read(0.0) == {}
