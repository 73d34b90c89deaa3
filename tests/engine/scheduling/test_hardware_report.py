"""The devices as text."""

from engine.hardware import (
    DeviceInfo,
    DeviceKind,
    DeviceLoad,
    DeviceRates,
    DeviceSample,
    HardwareSnapshot,
    Route,
    TelemetrySample,
)
from engine.scheduling.hardware_report import report_text

GIB = 1 << 30


def test_everything_known_is_said_and_the_rest_is_unknown():
    cpu = DeviceInfo(
        id="cpu",
        kind=DeviceKind.CPU,
        name="Ryzen",
        memory_bytes=16 * GIB,
        shares_memory=True,
        routes=(Route(backend="llama.cpp", interface="CPU", version="1"),),
    )
    gpu = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GeForce", vendor="NVIDIA", fault="No driver.")
    latest = TelemetrySample(
        at_s=1.0,
        devices={"cpu": DeviceSample(utilisation=0.5, ours=0.25, temperature_c=60.0)},
        memory_used_bytes=8 * GIB,
        memory_ours_bytes=2 * GIB,
    )
    rates = DeviceRates(
        device="cpu", backend="llama.cpp", interface="CPU", decode_bytes_per_s={"q8_0": 20e9}, graph_flops=5e9
    )
    text = report_text(
        HardwareSnapshot(
            devices=(cpu, gpu),
            loads={"cpu": DeviceLoad(device="cpu", models=("starter",), failure="It hangs.")},
            latest=latest,
            memory_bytes=16 * GIB,
            memory_budget_bytes=16 * GIB,
            rates=(rates,),
        )
    )
    for said in (
        "Memory: 16.0 GiB, 8.0 in use, 2.0 of it by Hearth",
        "cpu: Ryzen",
        "llama.cpp through CPU 1",
        "failed: It hangs.",
        "loaded: starter",
        "in use 50 % (Hearth 25 %), heat 60 °C, power unknown",
        "decode q8_0 20.0 GB/s, graphs 5 GFLOP/s",
        "not used: No driver.",
    ):
        assert said in text
    assert "0.0 W" not in text
