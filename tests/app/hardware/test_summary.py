"""The line about the machine."""

from dataclasses import replace

import pytest

from app.hardware.summary import (
    USUAL,
    machine_words,
    measured_at,
    memory_words,
    predicted_speed,
    prospects,
    short_name,
    speed_words,
    summary_of,
    usual_speed,
    when_measured,
)
from engine.hardware import (
    DeviceInfo,
    DeviceKind,
    DeviceRates,
    DeviceSample,
    HardwareSnapshot,
    Route,
    TelemetrySample,
)

GIB = 1 << 30
CPU = DeviceInfo(
    id="cpu",
    kind=DeviceKind.CPU,
    name="A CPU",
    shares_memory=True,
    routes=(Route(backend="llama.cpp", interface="CPU"),),
)
GPU = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="NVIDIA GeForce RTX 4050 Laptop GPU",
    memory_bytes=6 * GIB,
    routes=(Route(backend="llama.cpp", interface="CUDA"),),
)
NPU = DeviceInfo(
    id="npu:0", kind=DeviceKind.NPU, name="An NPU", routes=(Route(backend="onnxruntime", interface="QNN"),)
)
CPU_RATES = DeviceRates(
    device="cpu",
    backend="llama.cpp",
    interface="CPU",
    measured_at=100.0,
    decode_bytes_per_s={"q8_0": 9e9, "q4_k": 4.9e10},
)
GPU_RATES = replace(CPU_RATES, device="gpu:0", measured_at=50.0, decode_bytes_per_s={"q4_k": 1.96e11})


def snapshot(*devices: DeviceInfo, cores: int = 8, **other) -> HardwareSnapshot:
    sample = TelemetrySample(
        at_s=1.0,
        devices={"cpu": DeviceSample(cores=(0.1,) * cores)},
        memory_used_bytes=GIB,
        memory_ours_bytes=0,
    )
    values = {"latest": sample, "memory_bytes": round(15.4 * GIB), "memory_budget_bytes": 12 * GIB, "rates": ()} | other
    return HardwareSnapshot(devices=devices or (CPU,), loads={}, **values)


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_a_measured_machine_says_what_it_runs_and_how_fast():
    said = plain(summary_of(snapshot(CPU, GPU, NPU, rates=(CPU_RATES, GPU_RATES))))
    assert said == (
        "A 16 GB machine with 8 cores, an RTX 4050 and an NPU: "
        "runs 7 to 8 B models at about 40 tok/s, 14 B at about 5.4 tok/s."
    )


def test_what_would_be_too_slow_to_wait_for_is_left_out():
    slow = replace(CPU_RATES, decode_bytes_per_s={"q4_k": 4.9e9})
    said = plain(summary_of(snapshot(rates=(slow,))))
    assert said == "A 16 GB machine with 8 cores: runs 7 to 8 B models at about 1.0 tok/s."


def test_a_machine_that_was_not_measured_says_only_what_it_is():
    assert plain(summary_of(snapshot(CPU, GPU))) == "A 16 GB machine with 8 cores and an RTX 4050."
    assert measured_at(snapshot()) is None


def test_a_small_machine_runs_smaller_models():
    said = plain(summary_of(snapshot(memory_bytes=4 * GIB, memory_budget_bytes=3 * GIB, rates=(CPU_RATES,), cores=1)))
    assert said == "A 4 GB machine with 1 core: runs 3 to 4 B models at about 20 tok/s."
    tiny = snapshot(memory_budget_bytes=100 << 20, rates=(CPU_RATES,))
    assert prospects(tiny) == ()
    assert plain(summary_of(tiny)) == "A 16 GB machine with 8 cores."


def test_a_fast_device_without_the_room_does_not_count():
    small = replace(GPU, memory_bytes=2 * GIB)
    assert prospects(snapshot(CPU, small, rates=(CPU_RATES, GPU_RATES)))[0].tokens_per_s == pytest.approx(10.0)
    unknown = replace(GPU, memory_bytes=None)
    assert prospects(snapshot(CPU, unknown, rates=(CPU_RATES, GPU_RATES)))[0].tokens_per_s == pytest.approx(10.0)
    shared = replace(GPU, memory_bytes=None, shares_memory=True)
    assert prospects(snapshot(CPU, shared, rates=(CPU_RATES, GPU_RATES)))[0].tokens_per_s == pytest.approx(40.0)


def test_a_device_that_cannot_be_used_does_not_count():
    broken = replace(GPU, fault="No driver.")
    assert plain(machine_words(snapshot(CPU, broken))) == "A 16 GB machine with 8 cores"
    assert prospects(snapshot(CPU, broken, rates=(GPU_RATES,))) == ()


def test_the_speed_counts_weights_layers_and_steps():
    rates = replace(CPU_RATES, layer_overhead_s=0.001, step_overhead_s=0.003)
    assert predicted_speed(rates, USUAL) == pytest.approx(1 / (0.1 + 0.032 + 0.003))


def test_the_nearest_type_of_weights_stands_in_for_one_not_measured():
    assert predicted_speed(replace(CPU_RATES, decode_bytes_per_s={"q8_0": 4.9e9}), USUAL) == pytest.approx(1.0)
    assert predicted_speed(replace(CPU_RATES, decode_bytes_per_s={"iq2": 9.8e9}), USUAL) == pytest.approx(2.0)
    assert predicted_speed(replace(CPU_RATES, decode_bytes_per_s={}), USUAL) is None
    assert usual_speed("cpu", (GPU_RATES,)) is None
    assert usual_speed("cpu", (CPU_RATES, GPU_RATES)) == pytest.approx(10.0)


def test_when_it_was_measured_is_the_newest():
    known = snapshot(rates=(GPU_RATES, CPU_RATES), is_probed=True)
    assert measured_at(known) == 100.0
    assert plain(when_measured(known, 100.0 + 7200)) == "measured 2 hours ago"
    assert when_measured(replace(known, rates=()), 0.0) == "not measured yet"
    assert when_measured(replace(known, is_measuring=True), 0.0) == "being measured…"
    assert when_measured(replace(known, is_probed=False), 0.0) == "looking for devices…"


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (15.4, "16 GB"),
        (23.4, "24 GB"),
        (24, "24 GB"),
        (7.66, "8 GB"),
        (125.6, "128 GB"),
        (20, "20 GB"),
        (13.5, "13.5 GB"),
    ],
)
def test_memory_is_said_as_it_was_sold(size: float, said: str):
    assert plain(memory_words(round(size * GIB))) == said


@pytest.mark.parametrize(("size", "article"), [(16, "A "), (8, "An "), (18, "An "), (24, "A "), (2, "A ")])
def test_articles_follow_the_sound_of_the_number(size: int, article: str):
    assert machine_words(snapshot(memory_bytes=size * GIB)).startswith(article)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NVIDIA GeForce RTX 4050 Laptop GPU", "an RTX 4050"),
        ("AMD Radeon RX 7600 (RADV NAVI33)", "a Radeon RX 7600"),
        ("Intel(R) Arc(TM) A770 Graphics", "an Arc A770"),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", "a llvmpipe"),
        ("GPU-1", "a GPU-1"),
        ("A name that goes on and on and on and never stops", "a GPU"),
        ("NVIDIA Corporation", "a GPU"),
    ],
)
def test_names_are_short_and_have_their_article(name: str, said: str):
    words = plain(machine_words(snapshot(CPU, replace(GPU, name=name), cores=0)))
    assert words == f"A 16 GB machine with {said}"


def test_several_devices_of_a_kind_are_counted():
    assert plain(machine_words(snapshot(CPU, GPU, replace(GPU, id="gpu:1"), cores=2))).endswith("2 cores and 2 GPUs")
    assert short_name(GPU) == "RTX 4050"


def test_before_the_first_sample_the_cores_are_left_out():
    assert plain(machine_words(snapshot(latest=None))) == "A 16 GB machine"


@pytest.mark.parametrize(("speed", "said"), [(4.44, "4.4 tok/s"), (9.96, "10 tok/s"), (1234.5, "1,234 tok/s")])
def test_speeds_have_a_decimal_only_below_ten(speed: float, said: str):
    assert plain(speed_words(speed)) == said
