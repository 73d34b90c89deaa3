from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.variants import base_name, bits_per_weight, group, variants_of
from engine.types import Accepts, ModelInfo


def model(model_id: str, *, parameters: int | None = 1_000_000, size: int = 1_000_000, **others: object) -> ModelInfo:
    info = ModelInfo(
        id=model_id,
        path=Path(f"{model_id}.gguf"),
        format="gguf",
        name=model_id,
        architecture="llama",
        size_bytes=size,
        parameters=parameters,
        accepts=frozenset({Accepts.PROMPT}),
    )
    return replace(info, **others)


@pytest.mark.parametrize(
    ("model_id", "base"),
    [
        ("tinyllama-1.1b-chat.q4_k_m", "tinyllama-1.1b-chat"),
        ("tinyllama-1.1b-chat-q8_0", "tinyllama-1.1b-chat"),
        ("m-iq4_xs", "m"),
        ("m-iq2_xxs", "m"),
        ("m-q6_k", "m"),
        ("m-q3_k_xl", "m"),
        ("m-ud-q4_k_xl", "m"),
        ("m.tq1_0", "m"),
        ("m-f16", "m"),
        ("m_bf16", "m"),
        ("m_fp16", "m"),
        ("m-mxfp4", "m"),
        ("m_int8", "m"),
        ("m.int8-static", "m"),
        ("m_uint8", "m"),
        ("m_quantized", "m"),
        ("m_q4f16", "m"),
        ("m-gguf-q4_0", "m"),
        ("m-q4_0-gguf", "m"),
        ("starter", "starter"),
        ("qwen-0.5b", "qwen-0.5b"),
        ("q4_0", "q4_0"),
        ("gpt2", "gpt2"),
        ("mixtral-8x7b", "mixtral-8x7b"),
    ],
)
def test_the_precision_at_the_end_of_a_name_is_taken_off(model_id: str, base: str):
    assert base_name(model_id) == base


def test_files_of_one_model_are_one_group_finest_first():
    coarse, fine, other = model("m-q4_0", size=560_000), model("m-q8_0", size=1_060_000), model("other")
    groups = group([coarse, other, fine])
    assert [(found.name, found.models) for found in groups] == [("m", (fine, coarse)), ("other", (other,))]


@pytest.mark.parametrize(
    "odd",
    [
        {"parameters": 1_030_000},
        {"parameters": None},
        {"architecture": "qwen2"},
        {"accepts": frozenset({Accepts.TEXTS})},
        {"format": "onnx"},
    ],
)
def test_files_that_differ_in_more_than_precision_go_by_their_ids(odd: dict[str, object]):
    models = [model("m-q4_0"), model("m-q8_0", **odd)]
    assert [found.name for found in group(models)] == ["m-q4_0", "m-q8_0"]
    assert variants_of("m", models) == ()


def test_scales_that_are_counted_as_weights_make_no_difference():
    assert len(group([model("m-int8", parameters=1_015_000), model("m-fp16")])) == 1


def test_the_name_of_a_group_means_any_of_it_and_an_id_exactly_that():
    coarse, fine = model("m-q4_0", size=560_000), model("m-q8_0", size=1_060_000)
    assert variants_of("M ", [coarse, fine]) == (fine, coarse)
    assert variants_of("m-q4_0", [coarse, fine]) == (coarse,)
    assert variants_of("m-q5_0", [coarse, fine]) == ()


def test_an_id_that_is_also_the_name_of_its_group_means_that_model():
    plain, coarse = model("m", size=2_000_000), model("m-q4_0", size=560_000)
    assert [found.name for found in group([plain, coarse])] == ["m"]
    assert variants_of("m", [plain, coarse]) == (plain,)


def test_a_model_alone_is_known_by_its_id_only():
    assert variants_of("m", [model("m-q8_0")]) == ()
    assert variants_of("m-q8_0", [model("m-q8_0")]) != ()


def test_bits_per_weight_are_unknown_without_a_count():
    assert bits_per_weight(model("m", size=1_062_500)) == pytest.approx(8.5)
    assert bits_per_weight(model("m", parameters=None)) == 0


NAMES = st.sampled_from(["a", "a-q4_0", "a-q8_0", "b-q4_k_m", "b-f16", "c", "c_int8"])


@given(st.lists(st.tuples(NAMES, st.integers(1, 3)), unique_by=lambda pair: pair[0]), st.randoms())
def test_every_model_is_in_exactly_one_group_in_any_order(parts, random):
    models = [model(name, parameters=1_000_000 * count) for name, count in parts]
    shuffled = random.sample(models, len(models))
    assert group(models) == group(shuffled)
    assert sorted(m.id for found in group(models) for m in found.models) == sorted(m.id for m in models)
    assert len({found.name for found in group(models)}) == len(group(models))
