"""How busy a device is, in words: unknown is never 0."""

from dataclasses import replace

import pytest

from app.usage import UNKNOWN, device_titles, gigabytes, limit_gigabytes, percent, spoken, usage_of
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

GIB = 1 << 30


def device(name: str, kind: DeviceKind) -> DeviceInfo:
    return DeviceInfo(id=name, kind=kind, name=name)


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_ours_and_others_make_up_the_figure():
    usage = usage_of("CPU", DeviceSample(utilisation=0.47, ours=0.38))
    assert [plain(each) for each in (usage.figure, usage.ours, usage.others)] == ["47 %", "Hearth 38 %", "others 9 %"]
    assert usage.description == "CPU 47 %, Hearth 38, others 9"
    assert usage.others_share == pytest.approx(0.09)


@pytest.mark.parametrize(("used", "ours"), [(0.475, 0.385), (0.004, 0.004), (1.0, 0.996), (0.5, 0.6), (1.4, -0.1)])
def test_rounded_parts_add_up(used: float, ours: float):
    usage = usage_of("CPU", DeviceSample(utilisation=used, ours=ours))
    both, own, others = (int("".join(filter(str.isdigit, each))) for each in (usage.figure, usage.ours, usage.others))
    assert own + others == both <= 100
    assert usage.others_share is not None
    assert usage.others_share >= 0


def test_without_counters_our_own_share_is_the_figure():
    usage = usage_of("GPU", DeviceSample(ours=0.38))
    assert (plain(usage.figure), plain(usage.ours), usage.others) == ("38 %", "Hearth 38 %", "others unknown")
    assert usage.description == "GPU: Hearth 38 %, others unknown"
    assert usage.others_share is None


def test_use_by_nobody_in_particular():
    usage = usage_of("GPU", DeviceSample(utilisation=0.4))
    assert (plain(usage.figure), usage.ours, usage.others) == ("40 %", "Hearth –", "others –")
    assert usage.ours_share is None


def test_what_is_not_known_is_a_dash():
    usage = usage_of("NPU", DeviceSample())
    assert usage.figure == UNKNOWN
    assert not usage.is_known
    assert "0" not in usage.figure + usage.ours + usage.others
    assert "this system does not say" in usage.description
    assert usage_of("NPU", None).description == "NPU: not looked at yet"


def test_titles_are_numbered_only_where_there_are_several():
    cpu, gpu, npu = (
        device(*each) for each in (("cpu", DeviceKind.CPU), ("gpu:0", DeviceKind.GPU), ("npu:3", DeviceKind.NPU))
    )
    assert device_titles((cpu, gpu, npu)) == {"cpu": "CPU", "gpu:0": "GPU", "npu:3": "NPU"}
    titles = device_titles((cpu, gpu, replace(gpu, id="gpu:1")))
    assert [plain(title) for title in titles.values()] == ["CPU", "GPU 0", "GPU 1"]


@pytest.mark.parametrize(
    ("size", "said", "limit"), [(7.6, "7.6", "7.6"), (10, "10.0", "10"), (99.99, "100", "100"), (256, "256", "256")]
)
def test_memory_has_one_decimal_at_most(size: float, said: str, limit: str):
    assert (gigabytes(size * GIB), limit_gigabytes(size * GIB)) == (said, limit)


def test_the_engines_sentences_get_the_devices_titles():
    titles = {"cpu": "CPU", "gpu:0": "GPU", "gpu:01": "GPU 01"}
    assert spoken("cpu, 0.7 s", titles) == "CPU, 0.7 s"
    assert spoken("stepped down from gpu:0 to cpu.", titles) == "stepped down from GPU to CPU."
    assert spoken("Measuring cpu through CPUExecutionProvider", titles) == "Measuring CPU through ONNX Runtime"
    assert spoken("gpu:0 through CUDAExecutionProvider", titles) == "GPU through CUDA"
    assert spoken("my-cpu-model and cpu-7b on gpu:01", titles) == "my-cpu-model and cpu-7b on GPU 01"


def test_shares_stay_between_nothing_and_all():
    assert (plain(percent(-0.2)), plain(percent(1.7))) == ("0 %", "100 %")
