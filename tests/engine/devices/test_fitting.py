from dataclasses import replace

import numpy as np
import pytest

from engine.backends.llama.measuring import ModelTiming
from engine.backends.llama.probes import FAR_TOKENS, NEAR_TOKENS
from engine.devices import fitting
from engine.devices.fitting import fitted, least_squares
from engine.devices.prediction import Rates, predict
from engine.errors import DeviceError
from engine.models.shape import Matrices, ModelShape

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
    prompt_attention_flops=7e10,
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
        prompt_s=speed.prompt_s(256) + speed.token_s * noise if width == 2048 else 0.0,
        later_s=speed.back_s * (FAR_TOKENS // 2) ** 2 if far else 0.0,
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
    for name in (
        "layer_overhead_s",
        "step_overhead_s",
        "row_overhead_s",
        "attention_flops",
        "prompt_attention_flops",
        "load_bytes_per_s",
    ):
        assert getattr(found, name) == pytest.approx(getattr(TRUE, name)), name


def test_what_hearth_adds_to_a_step_counts_as_its_overhead():
    bare, *others = timings()
    answering = replace(bare, added_s=0.0003)
    for factor in (fitting.LANE_FACTOR, fitting.DEVICE_LANE_FACTOR):
        added = fitted([answering, *others], factor).step_overhead_s - fitted([bare, *others]).step_overhead_s
        assert added == pytest.approx(0.0003 * factor)
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
