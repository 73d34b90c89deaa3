import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.backends.llama.measuring import ModelTiming
from engine.backends.llama.probes import FAR_TOKENS, NEAR_TOKENS
from engine.devices import calibrate as module
from engine.devices.calibrate import CalibrationOrder, calibrate, fitted, last_cache_bytes, least_squares
from engine.devices.prediction import Rates, predict
from engine.errors import DeviceError
from engine.models.shape import Matrices, ModelShape

ORDER = CalibrationOrder(
    device="gpu:0", backend="llama.cpp", interface="Vulkan", folder="", target="Vulkan0", version="1.2"
)
TRUE = Rates(
    device="",
    backend="",
    interface="",
    decode_bytes_per_s={"q4_k": 35e9, "q8_0": 33e9},
    prefill_flops={"q4_k": 300e9, "q8_0": 250e9},
    layer_overhead_s=1e-5,
    step_overhead_s=2e-5,
    row_overhead_s=8e-9,
    attention_flops=2e10,
    load_bytes_per_s=3e9,
)


def shape(kind: str, layers: int, width: int) -> ModelShape:
    weights, rows = layers * width * width * 10, layers * width * 10
    size = int(weights * {"q4_k": 4.5, "q8_0": 8.5}[kind] / 8)
    return ModelShape(
        size_bytes=size,
        parameters=weights,
        layers=layers,
        layer_work={kind: Matrices(size, rows, weights)},
        layer_bytes=size,
        attention=layers * 2 * width,
    )


def timing(kind: str, layers: int, width: int, noise: float = 0.0, *, far: bool = False) -> ModelTiming:
    """What a device with the true rates would take."""
    model = shape(kind, layers, width)
    speed = predict(model, TRUE)
    return ModelTiming(
        shape=model,
        open_s=speed.load_s,
        token_s=speed.token_s * (1 + noise),
        prompt_tokens=256 if width == 2048 else 0,
        prompt_s=speed.token_s * (1 + noise) + 255 * speed.more_s if width == 2048 else 0.0,
        far_s=predict(model, TRUE, past_tokens=FAR_TOKENS - NEAR_TOKENS).token_s * (1 + noise) if far else 0.0,
    )


def timings(noises: tuple[float, ...] = (0.0,) * 7) -> list[ModelTiming]:
    sizes = [("q8_0", 2, 64), ("q8_0", 48, 64), ("q8_0", 24, 256), ("q4_k", 4, 2048), ("q8_0", 3, 2048),
             ("q4_k", 20, 768), ("q8_0", 12, 768)]  # fmt: skip
    return [timing(*size, noise, far=size[1] == 24) for size, noise in zip(sizes, noises, strict=True)]


def test_the_rates_that_made_the_times_are_found_again():
    found = fitted(timings())
    assert found.decode_bytes_per_s == pytest.approx(TRUE.decode_bytes_per_s)
    assert found.prefill_flops == pytest.approx(TRUE.prefill_flops)
    for name in ("layer_overhead_s", "step_overhead_s", "row_overhead_s", "attention_flops", "load_bytes_per_s"):
        assert getattr(found, name) == pytest.approx(getattr(TRUE, name)), name


def test_what_hearth_adds_to_a_step_counts_as_its_overhead():
    bare, *others = timings()
    answering = replace(bare, added_s=0.0003)
    added = fitted([answering, *others]).step_overhead_s - fitted([bare, *others]).step_overhead_s
    assert added == pytest.approx(0.0003 * module._LANE_FACTOR)
    faster = replace(bare, added_s=-1e-5)  # noise
    assert fitted([faster, *others]).step_overhead_s == pytest.approx(TRUE.step_overhead_s)


def test_noisy_times_still_predict_other_models():
    noises = (0.03, -0.02, 0.04, 0.05, -0.04, 0.02, -0.05)
    found = fitted(timings(noises))
    for kind in ("q4_k", "q8_0"):
        model = shape(kind, 22, 1536)
        assert predict(model, found).token_s == pytest.approx(predict(model, TRUE).token_s, rel=0.1)
    assert min(found.layer_overhead_s, found.step_overhead_s, found.row_overhead_s) >= 0


def test_times_that_make_no_sense_are_refused():
    senseless = [timing("q8_0", layers, 64) for layers in (2, 48)]  # weights that cost nothing beside the rest
    with pytest.raises(DeviceError, match="too busy"):
        fitted([ModelTiming(shape=t.shape, open_s=1.0, token_s=0.001 / t.shape.layers) for t in senseless])


def test_least_squares_stays_above_zero():
    rows = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert least_squares(rows, np.array([3.0, 5.0, 7.0])) == pytest.approx([1.0, 2.0])
    assert least_squares(rows, np.array([0.5, 2.0, 3.5])) == pytest.approx([0.0, 15 / 14])
    assert least_squares(np.array([[0.0, 1.0]]), np.array([2.0])) == pytest.approx([0.0, 2.0])


def test_the_last_cache_has_a_size():
    assert 1 << 18 <= last_cache_bytes() <= 1 << 34


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "child_command", lambda _order: [sys.executable, "-c", code])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", r"gpu:0 through Vulkan ended with code -6 while"),
        (
            "raise SystemExit('the driver is on fire.')",
            r"ended with code 1 while it was measured: the driver is on fire",
        ),
        ("print('hello')", r"gave an answer that is no measurement\."),
        ('print(\'{"fault": "It is gone."}\')', r"gpu:0 through Vulkan cannot be measured: It is gone\."),
        ("print('{}')", r"cannot be measured: it gave no reason\."),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(monkeypatch: pytest.MonkeyPatch, code: str, said: str):
    run_instead(monkeypatch, code)
    with pytest.raises(DeviceError, match=said) as raised:
        calibrate(ORDER)
    assert "\n" not in str(raised.value)


def test_a_device_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch):
    run_instead(monkeypatch, "import time; time.sleep(1000)")
    with pytest.raises(DeviceError, match=r"was not measured within 0\.2 s"):
        calibrate(ORDER, timeout_s=0.2)


def test_measuring_can_be_stopped(monkeypatch: pytest.MonkeyPatch):
    run_instead(monkeypatch, "import time; time.sleep(1000)")
    stop = threading.Event()
    stop.set()
    with pytest.raises(DeviceError, match="somebody stopped it"):
        calibrate(ORDER, stop=stop)


def test_a_program_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(module, "child_command", lambda _order: [str(tmp_path / "nothing")])
    with pytest.raises(DeviceError, match="cannot be measured"):
        calibrate(ORDER)


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert module.child_command(ORDER)[:2] == [sys.executable, module.FLAG]


@pytest.mark.models
def test_the_processor_is_measured_for_text(tmp_path: Path):
    rates = calibrate(
        CalibrationOrder(
            device="cpu",
            backend="llama.cpp",
            interface="CPU",
            version="7",
            folder=str(tmp_path),
            threads=1,
            is_quick=True,
        )
    )
    assert (rates.device, rates.backend, rates.interface, rates.version) == ("cpu", "llama.cpp", "CPU", "7")
    assert set(rates.decode_bytes_per_s) == set(rates.prefill_flops) == {"q4_k", "q8_0"}
    assert all(1e7 < rate < 1e13 for rate in rates.decode_bytes_per_s.values())
    assert rates.load_bytes_per_s > 0
    assert rates.measured_at > 1e9


@pytest.mark.models
def test_the_processor_is_measured_for_graphs():
    order = CalibrationOrder(
        device="cpu", backend="onnxruntime", interface="CPUExecutionProvider", folder="", threads=1, limit_s=0.4
    )
    rates = calibrate(order)
    assert rates.graph_flops > 1e8
    assert rates.decode_bytes_per_s == {}


@pytest.mark.models
def test_a_device_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path):
    order = CalibrationOrder(
        device="gpu:9", backend="llama.cpp", interface="Vulkan", target="Vulkan9", folder=str(tmp_path)
    )
    with pytest.raises(DeviceError, match="Vulkan9"):
        calibrate(order)
    assert list(tmp_path.iterdir()) == []
