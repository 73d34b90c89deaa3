"""State, numbers and sentence of a card; unknown is a dash and never 0."""

from dataclasses import replace

import pytest

from app.hardware import wording
from app.hardware.wording import (
    flops_words,
    interfaces_of,
    sentence_of,
    shortened,
    speeds_of,
    state_of,
    stats_of,
    subtitle_of,
)
from engine.hardware import DeviceInfo, DeviceKind, DeviceLoad, DeviceRates, DeviceSample, Route

GIB = 1 << 30
CPU = DeviceInfo(
    id="cpu",
    kind=DeviceKind.CPU,
    name="Ryzen 7",
    shares_memory=True,
    routes=(Route(backend="llama.cpp", interface="CPU"), Route(backend="onnxruntime", interface="CPU")),
)
GPU = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="RTX",
    memory_bytes=6 * GIB,
    routes=(
        Route(backend="llama.cpp", interface="CUDA"),
        Route(backend="llama.cpp", interface="Vulkan", fault="No driver."),
        Route(backend="onnxruntime", interface="CUDAExecutionProvider"),
    ),
)
NPU = DeviceInfo(
    id="npu:0",
    kind=DeviceKind.NPU,
    name="NPU",
    shares_memory=True,
    routes=(Route(backend="onnxruntime", interface="QNN"),),
)
LOAD = DeviceLoad(device="cpu")
RATES = DeviceRates(device="cpu", backend="llama.cpp", interface="CPU", decode_bytes_per_s={"q4_k": 49e9})


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("load", "state"),
    [
        (None, wording.IDLE),
        (LOAD, wording.IDLE),
        (replace(LOAD, models=("a",)), wording.READY),
        (replace(LOAD, models=("a",), running=1), wording.BUSY),
        (replace(LOAD, waiting=1), wording.BUSY),
        (replace(LOAD, running=1, failure="It was lost."), wording.FAILED),
    ],
)
def test_states(load: DeviceLoad | None, state: wording.State):
    assert state_of(CPU, load) is state


def test_what_cannot_be_used_is_not_used():
    assert state_of(replace(CPU, fault="No driver."), None) is wording.NOT_USED
    assert state_of(replace(CPU, routes=()), replace(LOAD, running=1)) is wording.NOT_USED


def test_states_differ_in_more_than_their_colour():
    states = (wording.READY, wording.BUSY, wording.IDLE, wording.NOT_USED, wording.FAILED)
    assert len({state.icon for state in states}) == len(states)


def test_the_second_line_says_name_and_interface():
    assert plain(subtitle_of(CPU, DeviceSample(cores=(0.0,) * 8))) == "Ryzen 7 · 8 cores"
    assert subtitle_of(CPU, None) == "Ryzen 7"
    assert subtitle_of(GPU, None) == "RTX · CUDA"
    assert interfaces_of(NPU) == ["QNN"]


def test_speeds_are_those_that_a_device_has_routes_for():
    load = replace(LOAD, tokens_per_s=104.2, images_per_s=3.21)
    assert list(map(plain, speeds_of(CPU, load))) == ["104 tok/s", "3.2 img/s"]
    assert list(map(plain, speeds_of(NPU, replace(load, images_per_s=90.0)))) == ["90 img/s"]
    assert list(map(plain, speeds_of(CPU, None))) == ["0 tok/s", "0 img/s"]
    assert speeds_of(replace(CPU, routes=()), load) == ()


def test_the_numbers_of_a_processor():
    load = replace(LOAD, threads=6, threads_reason="6 threads instead of 8: others", running=2)
    sample = DeviceSample(cores=(0.5,) * 8, temperature_c=71.4, power_w=31.2)
    stats = stats_of(CPU, load, sample)
    assert [(stat.title, plain(stat.words)) for stat in stats] == [
        ("Threads", "6 of 8"),
        ("Heat", "71 °C"),
        ("Power", "31 W"),
        ("Lane", "2 answers"),
    ]
    assert stats[0].tip == "6 threads instead of 8: others"


def test_the_memory_of_a_card():
    sample = DeviceSample(memory_used_bytes=5 * GIB, memory_ours_bytes=4 * GIB)
    memory = stats_of(GPU, None, sample)[0]
    assert (plain(memory.words), plain(memory.tip)) == ("5.0 of 6 GB", "Hearth 4.0 GB of it")
    assert plain(stats_of(GPU, None, DeviceSample())[0].words) == "– of 6 GB"
    assert plain(stats_of(replace(GPU, memory_bytes=None), None, sample)[0].words) == "5.0 GB"
    assert stats_of(NPU, None, None)[0].words == "shared"


@pytest.mark.parametrize("device", [CPU, replace(GPU, memory_bytes=None), NPU])
@pytest.mark.parametrize("sample", [None, DeviceSample()])
def test_what_is_unknown_is_a_dash_with_a_reason(device: DeviceInfo, sample: DeviceSample | None):
    first, heat, power, lane = stats_of(device, None, sample)
    assert (heat.words, power.words) == ("–", "–")
    assert heat.tip == power.tip == "unknown: this system does not say"
    assert first.words in ("–", "shared")
    assert lane.words == "free"
    assert "0" not in heat.words + power.words + first.words


@pytest.mark.parametrize(
    ("running", "waiting", "said"), [(1, 0, "1 answer"), (2, 3, "2 + 3 wait"), (0, 2, "0 + 2 wait")]
)
def test_the_lane_counts_answers_and_what_waits(running: int, waiting: int, said: str):
    lane = stats_of(CPU, replace(LOAD, running=running, waiting=waiting), None)[3]
    assert plain(lane.words) == said
    assert lane.tip == f"{running} being answered, {waiting} waiting"


def test_heat_that_slows_down_is_marked():
    heat = stats_of(CPU, LOAD, DeviceSample(temperature_c=97.0, is_throttled=True))[1]
    assert heat.role == "warning"
    assert "slowed down" in heat.tip
    assert plain(stats_of(CPU, LOAD, DeviceSample(power_w=0.24))[2].words) == "0.2 W"


def test_the_sentence_says_what_matters_most():
    busy = replace(LOAD, models=("starter",), threads_reason="6 threads instead of 8: other programs use 2.1 cores")
    hot = DeviceSample(is_throttled=True)
    lost = replace(busy, failure="The driver ended.")
    quiet = replace(busy, threads_reason="8 threads: the machine is quiet")
    assert sentence_of(CPU, lost, hot, ()).whole == "Not used for now: the driver ended."
    assert sentence_of(CPU, busy, hot, ()).lead == "Slowed down"
    assert sentence_of(CPU, busy, None, ()).whole == "6 threads instead of 8: other programs use 2.1 cores."
    assert sentence_of(CPU, quiet, None, ()).whole == "starter loaded here. Not measured yet."
    assert plain(sentence_of(CPU, quiet, None, (RATES,)).rest) == (
        "loaded here. Measured: about 10 tok/s with 7 to 8 B models."
    )
    assert sentence_of(CPU, LOAD, None, ()).whole == "Nothing is loaded here. Not measured yet."


def test_the_sentence_lists_a_few_models_and_counts_the_rest():
    for models, said in (("a", "a"), ("ab", "a and b"), ("abcd", "a, b and 2 more")):
        assert sentence_of(CPU, replace(LOAD, models=tuple(models)), None, ()).lead == said
    long = sentence_of(CPU, replace(LOAD, models=("x" * 90,)), None, ()).lead
    assert len(long) == len(shortened("x" * 90)) == 32


def test_speeds_with_pictures_are_arithmetic():
    rates = DeviceRates(device="npu:0", backend="onnxruntime", interface="QNN", graph_flops=4.1e12)
    assert plain(sentence_of(NPU, None, None, (rates, RATES)).rest) == "Measured: 4.1 TFLOP/s with pictures."
    assert [plain(flops_words(value)) for value in (2.1e11, 5e6, 1.2e13)] == ["210 GFLOP/s", "5 MFLOP/s", "12 TFLOP/s"]


def test_the_reason_of_a_fault_is_found():
    assert sentence_of(replace(GPU, fault="No driver."), None, None, ()).lead == "No driver."
    only = replace(GPU, routes=(Route(backend="llama.cpp", interface="CUDA", fault="Too old."),))
    assert sentence_of(only, None, None, ()).lead == "Too old."
    assert sentence_of(replace(GPU, routes=()), None, None, ()).lead == "Nothing in this Hearth can reach it."
    assert "look again" in sentence_of(only, None, None, ()).rest
