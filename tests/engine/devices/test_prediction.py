import math
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.devices.prediction import (
    BITS,
    STEP_TOKENS,
    Rates,
    Share,
    Speed,
    can_predict,
    decode_rate,
    predict,
    predict_graph,
    predict_shares,
    prefill_rate,
)
from engine.hardware import DeviceRates
from engine.models.shape import Matrices, ModelShape

SHAPE = ModelShape(
    size_bytes=1_300_000_000,
    parameters=1_100_000_000,
    layers=20,
    layer_work={"q4_k": Matrices(1_000_000_000, 400_000, 900_000_000)},
    head_work={"q6_k": Matrices(200_000_000, 32_000, 100_000_000)},
    layer_bytes=1_000_000_000,
    head_bytes=200_000_000,
    attention=20 * 32 * 128,
)


def rates(**others: object) -> Rates:
    basis: dict[str, object] = {
        "device": "cpu",
        "backend": "llama.cpp",
        "interface": "CPU",
        "decode_bytes_per_s": {"q4_k": 20e9, "q6_k": 10e9},
        "prefill_flops": {"q4_k": 300e9},
        "layer_overhead_s": 1e-5,
        "step_overhead_s": 5e-5,
        "load_bytes_per_s": 2e9,
        "row_overhead_s": 1e-8,
        "attention_flops": 20e9,
    }
    return Rates(**{**basis, **others})


def test_a_token_costs_what_the_formula_says():
    speed = predict(SHAPE, rates(), past_tokens=100)
    expected = 5e-5 + 20 * 1e-5 + 1e9 / 20e9 + 0.2e9 / 10e9 + 432_000 * 1e-8 + 2 * SHAPE.attention * 100 / 20e9
    assert speed.token_s == pytest.approx(expected)
    assert speed.more_s == pytest.approx(2 * 0.9e9 / 300e9)
    assert speed.load_s == pytest.approx(1.2e9 / 2e9)


def test_rates_without_the_finer_terms_leave_them_out():
    plain = DeviceRates(
        device="cpu", backend="llama.cpp", interface="CPU", decode_bytes_per_s={"q4_k": 20e9}, prefill_flops={"q4_k": 1}
    )
    speed = predict(SHAPE, plain, past_tokens=1000)
    assert speed.token_s == pytest.approx(1e9 / 20e9 + 0.2e9 / 20e9)
    assert speed.load_s == 0


def test_layers_that_stay_with_the_processor_cost_there_and_the_head_goes_with_the_first():
    fast, slow = rates(device="gpu:0", decode_bytes_per_s={"q4_k": 200e9, "q6_k": 100e9}), rates()
    half = predict(SHAPE, fast, 10, slow)
    on_both = predict_shares(
        SHAPE, (Share(rates=slow, layers=10, has_head=False), Share(rates=fast, layers=10, has_head=True))
    )
    assert half == on_both
    assert half.token_s == pytest.approx(
        2 * 5e-5 + 20 * 1e-5 + 0.5e9 / 20e9 + 0.5e9 / 200e9 + 0.2e9 / 100e9 + 432_000 * 1e-8
    )
    assert predict(SHAPE, fast, 0, slow) == predict(SHAPE, slow)
    assert predict(SHAPE, fast, 20, slow) == predict(SHAPE, fast, 99) == predict(SHAPE, fast)
    with pytest.raises(ValueError, match="processor"):
        predict(SHAPE, fast, 10)


@given(st.integers(0, 20), st.floats(1.0, 50.0))
def test_each_layer_on_a_faster_device_saves_time(layers: int, factor: float):
    fast = rates(
        device="gpu:0",
        decode_bytes_per_s={"q4_k": 20e9 * factor, "q6_k": 10e9 * factor},
        step_overhead_s=0.0,
        layer_overhead_s=1e-5 / factor,
    )
    fewer, more = (predict(SHAPE, fast, count, rates()).token_s for count in (layers, min(20, layers + 1)))
    starting_s = 5e-5 if layers == 0 else 0.0  # the second device has to begin its part as well, for nothing here
    assert more <= fewer + starting_s + 1e-12


@pytest.mark.parametrize(
    ("kind", "nearest", "share"),
    [
        ("q4_k", "q4_k", 1.0),
        ("q4_0", "q4_k", 1.0),
        ("q4_1", "q4_k", 1.0),
        ("iq4_xs", "q4_k", 4.25 / 4.5),
        ("q2_k", "q4_k", 2.625 / 4.5),
        ("q5_k", "q6_k", 5.5 / 6.5625),
        ("q5_1", "q6_k", 6.0 / 6.5625),
        ("f32", "q6_k", 1.0),
        ("unheard_of", "q6_k", 1.0),
    ],
)
def test_a_type_that_was_not_measured_takes_after_the_most_similar_one(kind: str, nearest: str, share: float):
    measured = {"q4_k": 20e9, "q6_k": 10e9}
    assert decode_rate(rates(), kind) == pytest.approx(measured[nearest] * share)
    assert prefill_rate(rates(), kind) == 300e9


def test_estimates_never_read_more_weights_per_second_than_the_measured_type():
    for kind, bits in BITS.items():
        nearest_weights_per_s = max(20e9 * 8 / BITS["q4_k"], 10e9 * 8 / BITS["q6_k"])
        assert decode_rate(rates(), kind) * 8 / bits <= nearest_weights_per_s * (1 + 1e-9)


def test_a_prompt_reads_the_weights_once_per_step():
    speed = Speed(token_s=0.1, more_s=0.001)
    assert speed.prompt_s(1) == 0.1
    assert speed.prompt_s(STEP_TOKENS) == pytest.approx(0.1 + 511 * 0.001)
    assert speed.prompt_s(STEP_TOKENS + 1) == pytest.approx(0.2 + 511 * 0.001)
    assert speed.prompt_s(0) == 0.1
    assert speed.beside(7) == pytest.approx(0.107)


def test_the_tokens_of_a_prompt_look_back_at_half_of_it_on_average():
    speed = predict(SHAPE, rates(prompt_attention_flops=70e9))
    assert speed.back_s == pytest.approx(2 * SHAPE.attention / 70e9)
    without = predict(SHAPE, rates())
    assert speed.prompt_s(1000) - without.prompt_s(1000) == pytest.approx(1000 * 500 * speed.back_s)
    assert speed.token_s == without.token_s


def test_a_run_of_a_graph_is_its_arithmetic_and_what_a_run_costs_anyway():
    graph = rates(graph_flops=100e9, graph_overhead_s=1e-3, load_bytes_per_s=0.0)
    known = ModelShape(size_bytes=100, parameters=10, run_operations=5e9)
    assert predict_graph(known, graph) == Speed(token_s=pytest.approx(0.051), more_s=pytest.approx(0.05), load_s=0.0)
    guessed = predict_graph(ModelShape(size_bytes=100_000_000, parameters=25_600_000), graph)
    assert guessed.token_s == pytest.approx(8.2e9 / 100e9, rel=0.1)  # about what ResNet-50 has


def test_what_was_measured_decides_whether_anything_can_be_predicted():
    assert can_predict(rates())
    assert can_predict(rates(decode_bytes_per_s={}, graph_flops=1.0))
    assert not can_predict(rates(decode_bytes_per_s=MappingProxyType({})))
    assert not can_predict(rates(prefill_flops={}))
    assert not can_predict(None)


@given(st.integers(1, 5000), st.floats(1e-6, 1.0), st.floats(0.0, 0.1))
def test_longer_prompts_never_take_less_time(tokens: int, token_s: float, more_s: float):
    speed = Speed(token_s=token_s + more_s, more_s=more_s)
    assert speed.prompt_s(tokens + 1) >= speed.prompt_s(tokens) - 1e-9
    assert math.isfinite(speed.prompt_s(tokens))
