import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.devices.telemetry.processor_sensors import ProcessorSensorsSource
from engine.hardware import DeviceSample

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")

HWMON = "sys/class/hwmon"
RAPL = "sys/class/powercap"
CPU = "sys/devices/system/cpu"


def test_without_sensors_all_is_unknown(tmp_path: Path) -> None:
    source = ProcessorSensorsSource("cpu", tmp_path)
    assert source.read(0.0) == {"cpu": DeviceSample()}
    source.close()


def test_this_machines_own_sensors_say_nothing_impossible() -> None:
    source = ProcessorSensorsSource("cpu")
    source.read(0.0)
    sample = source.read(2.0)["cpu"]
    assert sample.temperature_c is None or -50 < sample.temperature_c < 200
    assert sample.power_w is None or sample.power_w >= 0
    source.close()


def test_the_hottest_package_counts_and_single_cores_do_not(tree: Callable[..., Path]) -> None:
    root = tree(
        {
            f"{HWMON}/hwmon0/name": "acpitz",
            f"{HWMON}/hwmon0/temp1_input": 27800,
            f"{HWMON}/hwmon1/name": "coretemp",
            f"{HWMON}/hwmon1/temp1_label": "Package id 0",
            f"{HWMON}/hwmon1/temp1_input": 61000,
            f"{HWMON}/hwmon1/temp2_label": "Core 0",
            f"{HWMON}/hwmon1/temp2_input": 99000,
            f"{HWMON}/hwmon2/name": "coretemp",
            f"{HWMON}/hwmon2/temp1_label": "Package id 1",
            f"{HWMON}/hwmon2/temp1_input": 64500,
        }
    )
    source = ProcessorSensorsSource("cpu", root)
    assert source.read(0.0)["cpu"].temperature_c == 64.5
    tree({f"{HWMON}/hwmon1/temp1_input": 70000})
    assert source.read(1.0)["cpu"].temperature_c == 64.5  # heat moves slowly
    assert source.read(2.0)["cpu"].temperature_c == 70.0


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{HWMON}/hwmon0/name": "k10temp", f"{HWMON}/hwmon0/temp1_input": 45125}, 45.125),
        ({f"{HWMON}/hwmon0/name": "acpitz", f"{HWMON}/hwmon0/temp1_input": 27800}, 27.8),
        ({f"{HWMON}/hwmon0/name": "nvme", f"{HWMON}/hwmon0/temp1_input": 50000}, None),
        ({f"{HWMON}/hwmon0/name": "k10temp", f"{HWMON}/hwmon0/temp1_input": -273200}, None),
        ({"sys/class/thermal/thermal_zone0/type": "cpu-thermal", "sys/class/thermal/thermal_zone0/temp": 52000}, 52.0),
    ],
)
def test_other_sensors(tree: Callable[..., Path], files: dict[str, object], expected: float | None) -> None:
    assert ProcessorSensorsSource("cpu", tree(files)).read(0.0)["cpu"].temperature_c == expected


def test_power_is_that_of_all_packages(tree: Callable[..., Path]) -> None:
    root = tree(
        {
            f"{RAPL}/intel-rapl:0/name": "package-0",
            f"{RAPL}/intel-rapl:0/energy_uj": 1_000_000,
            f"{RAPL}/intel-rapl:0/max_energy_range_uj": 100_000_000,
            f"{RAPL}/intel-rapl:0:0/name": "core",
            f"{RAPL}/intel-rapl:0:0/energy_uj": 5,
            f"{RAPL}/intel-rapl:1/name": "package-1",
            f"{RAPL}/intel-rapl:1/energy_uj": 99_000_000,
            f"{RAPL}/intel-rapl:1/max_energy_range_uj": 100_000_000,
            f"{RAPL}/intel-rapl:2/name": "psys",
            f"{RAPL}/intel-rapl:2/energy_uj": 7,
        }
    )
    source = ProcessorSensorsSource("cpu", root)
    assert source.read(0.0)["cpu"].power_w is None
    tree({f"{RAPL}/intel-rapl:0/energy_uj": 31_000_000, f"{RAPL}/intel-rapl:1/energy_uj": 19_000_000})
    assert source.read(2.0)["cpu"].power_w == pytest.approx((30 + 20) / 2)  # the second counter began again


def test_power_that_is_not_for_us_is_unknown(tree: Callable[..., Path]) -> None:
    root = tree({f"{RAPL}/intel-rapl:0/name": "package-0"})
    source = ProcessorSensorsSource("cpu", root)
    source.read(0.0)
    assert source.read(1.0)["cpu"].power_w is None


def test_throttling_is_a_count_that_rose(tree: Callable[..., Path]) -> None:
    files: dict[str, object] = {f"{CPU}/cpu{number}/thermal_throttle/core_throttle_count": 3 for number in range(2)}
    files |= {f"{CPU}/cpu{number}/thermal_throttle/package_throttle_count": 8 for number in range(2)}
    files |= {f"{CPU}/cpu{number}/topology/physical_package_id": 0 for number in range(2)}
    source = ProcessorSensorsSource("cpu", tree(files))
    assert source.read(0.0)["cpu"].is_throttled is None
    assert source.read(2.0)["cpu"].is_throttled is False
    tree({f"{CPU}/cpu1/thermal_throttle/core_throttle_count": 4})
    assert source.read(3.0)["cpu"].is_throttled is False
    assert source.read(4.0)["cpu"].is_throttled is True
    assert source.read(6.0)["cpu"].is_throttled is False
