import math

import pytest

from engine.devices.telemetry.plugin_numbers import device_sample, from_plugin
from engine.hardware import DeviceSample
from engine.plugins.contract.offers import Sample


@pytest.mark.parametrize(
    ("name", "value", "unit", "device", "expected"),
    [
        ("gpu:0 temperature", 61.5, "°C", "gpu:0", DeviceSample(temperature_c=61.5)),
        ("npu:1 utilisation", 40, "%", "npu:1", DeviceSample(utilisation=0.4)),
        ("NPU:0 Utilization", 100, "%", "npu:0", DeviceSample(utilisation=1.0)),
        ("gpu:12 memory", 512, "MiB", "gpu:12", DeviceSample(memory_used_bytes=512 << 20)),
        ("gpu:0 memory", 1.5, "GB", "gpu:0", DeviceSample(memory_used_bytes=1_500_000_000)),
        (" cpu  power ", 65, "W", "cpu", DeviceSample(power_w=65)),
        ("npu:0 power", 2500, "mW", "npu:0", DeviceSample(power_w=2.5)),
        ("npu:0 utilisation", 0, "%", "npu:0", DeviceSample(utilisation=0.0)),
    ],
)
def test_a_number_about_a_device(name: str, value: float, unit: str, device: str, expected: DeviceSample) -> None:
    assert device_sample(Sample(name, value, unit)) == (device, expected)


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("temperature", 61, "°C"),
        ("GPU temperature", 61, "°C"),
        ("gpu:0 fan", 1000, "rpm"),
        ("gpu:0 temperature of the memory", 61, "°C"),
        ("gpu:0 temperature", 61, "°F"),
        ("gpu:0 temperature", 61, ""),
        ("gpu:0 temperature", -300, "°C"),
        ("gpu:0 utilisation", 101, "%"),
        ("gpu:0 utilisation", -1, "%"),
        ("gpu:0 utilisation", 0.5, "W"),
        ("gpu:0 power", math.nan, "W"),
        ("gpu:0 memory", math.inf, "B"),
        ("disk:0 power", 5, "W"),
    ],
)
def test_a_number_about_something_else(name: str, value: float, unit: str) -> None:
    assert device_sample(Sample(name, value, unit)) is None


def test_numbers_of_one_device_are_put_together() -> None:
    newest = [Sample("npu:0 power", 3, "W"), Sample("tide", 2, "m"), Sample("npu:0 temperature", 50, "°C")]
    source = from_plugin(lambda: newest)
    assert source.read(0.0) == {"npu:0": DeviceSample(power_w=3, temperature_c=50)}
    newest.clear()
    assert source.read(1.0) == {}
