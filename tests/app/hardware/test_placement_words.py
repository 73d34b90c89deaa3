"""Where a model runs, and what it costs to insist, in words."""

from dataclasses import replace

import pytest

from app.hardware.placement_words import cost_of, duration_words, is_for_texts, lines_of
from engine.hardware import Candidate, PlacementReport

GIB = 1 << 30
TITLES = {"cpu": "CPU", "gpu:0": "GPU", "npu:0": "NPU"}
GPU = Candidate(
    model="m",
    device="gpu:0",
    interface="CUDA",
    layers=12,
    total_layers=29,
    first_token_s=0.4,
    token_s=1 / 48,
    load_s=0.3,
    wait_s=0.05,
    needed_bytes=3 * GIB,
    reason="Fastest.",
)
CPU = Candidate(
    model="m",
    device="cpu",
    interface="CPU",
    layers=29,
    total_layers=29,
    first_token_s=1.2,
    token_s=1 / 35,
    is_loaded=True,
    reason="A third slower.",
)
NPU = Candidate(model="m", device="npu:0", interface="QNNExecutionProvider", refusal="It runs graphs only.")
REPORT = PlacementReport(model="m", choice=GPU, candidates=(GPU, CPU, NPU))


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_the_first_line_is_the_choice_left_to_hearth():
    automatic, *devices = lines_of(REPORT, TITLES)
    assert (automatic.device, automatic.title, automatic.is_next) == ("", "Automatic", False)
    assert automatic.note == "Hearth chooses anew for each request; GPU would be the fastest now."
    assert [line.title for line in devices] == ["GPU · CUDA", "CPU", "NPU · QNN"]
    assert [line.is_next for line in devices] == [True, False, False]


def test_a_line_has_its_numbers_and_its_reason():
    _, gpu, cpu, npu = lines_of(REPORT, TITLES)
    said = [plain(each) for each in (gpu.layers, gpu.first, gpu.speed, gpu.memory, gpu.note)]
    assert said == ["12 of 29", "400 ms", "48 tok/s", "3.0 GB", "Fastest."]
    assert plain(gpu.tip) == "of it 300 ms for loading and 50 ms for work before it"
    assert [plain(each) for each in (cpu.layers, cpu.first, cpu.memory)] == ["all 29", "1.2 s", "loaded"]
    assert (npu.layers, npu.first, npu.speed, npu.memory) == ("–",) * 4
    assert (npu.note, npu.is_possible) == ("It runs graphs only.", False)


def test_one_line_for_a_device_however_many_ways_there_are():
    other = replace(GPU, interface="Vulkan", reason="Slower.")
    lines = lines_of(replace(REPORT, candidates=(GPU, other, CPU)), TITLES)
    assert [line.title for line in lines] == ["Automatic", "GPU · CUDA", "CPU"]


def test_devices_that_share_a_model_are_both_named():
    both = replace(GPU, device="gpu:0+npu:0", interface="")
    lines = lines_of(replace(REPORT, choice=both, candidates=(both, CPU)), TITLES)
    assert lines[1].title == "GPU + NPU"
    assert "GPU + NPU would be the fastest" in lines[0].note


def test_another_variant_of_the_model_is_named():
    lines = lines_of(replace(REPORT, candidates=(replace(GPU, model="m-q4"),)), TITLES)
    assert lines[1].note == "As m-q4. Fastest."


def test_what_fits_nowhere_says_so():
    lines = lines_of(replace(REPORT, choice=None, candidates=(NPU,)), TITLES)
    assert lines[0].note == "It fits nowhere now."
    assert not is_for_texts(replace(REPORT, candidates=(NPU,)))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("", ""),
        ("cpu", "CPU: 35 tok/s instead of 48 tok/s on GPU."),
        ("gpu:0", "GPU is what Hearth would take by itself now."),
        ("npu:0", "NPU: It runs graphs only."),
        ("gpu:9", "gpu:9 is not there any more, so Hearth chooses."),
    ],
)
def test_the_cost_of_a_choice(override: str, said: str):
    assert plain(cost_of(replace(REPORT, override=override, automatic=GPU), TITLES)) == said


def test_the_cost_of_a_slower_start():
    report = replace(REPORT, candidates=(GPU, replace(CPU, token_s=1 / 48)), override="cpu", automatic=GPU)
    assert plain(cost_of(report, TITLES)) == "CPU: first token after 1.2 s instead of 400 ms on GPU."


def test_the_cost_for_pictures_is_their_time():
    fast = replace(NPU, refusal="", first_token_s=0.011)
    slow = replace(CPU, token_s=None, first_token_s=0.046)
    report = PlacementReport(model="m", choice=fast, candidates=(fast, slow), override="cpu", automatic=fast)
    assert plain(cost_of(report, TITLES)) == "CPU: 46 ms instead of 11 ms on NPU."
    assert not is_for_texts(report)
    even = replace(report, candidates=(fast, replace(slow, first_token_s=0.0111)))
    assert cost_of(even, TITLES) == "CPU is as fast as NPU now."


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.0001, "1 ms"), (0.048, "48 ms"), (0.9997, "1.0 s"), (1.23, "1.2 s"), (14.2, "14 s")]
)
def test_durations(seconds: float, said: str):
    assert plain(duration_words(seconds)) == said
