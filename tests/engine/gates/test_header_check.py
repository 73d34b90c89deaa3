"""The first gate for GGUF: every refusal names its rule; what belongs to another model is told apart."""

import struct
from dataclasses import replace

import pytest

from engine.errors import ModelFileError
from engine.gates.header_check import check_header, why_not_alone
from tests.engine.backends.llama.conftest import write_bert, write_llama
from tests.engine.gates.fuzz.gguf_draft import ARRAY, TEXT, Draft, TensorDraft, take_apart

UINT, FLOAT, INT = 4, 6, 5
WEIGHT = TensorDraft("w", (32, 2), 0, bytes(256))


def draft(*keys, tensors=(WEIGHT,)):
    return Draft([("general.architecture", TEXT, b"llama"), *keys], list(tensors))


def rule_of(path):
    with pytest.raises(ModelFileError) as caught:
        check_header(path)
    assert caught.value.remedy
    return caught.value.rule


WRONG = {
    "counts": b"GGUF" + struct.pack("<IQQ", 3, 1 << 40, 0),
    "version": b"GGUF" + struct.pack("<IQQ", 7, 0, 0),
    "magic": b"PKxx" + bytes(100),
    "incomplete": draft().build()[:-1],
    "keys": draft(("a b", UINT, 1)).build(),
    "strings": draft(("k", TEXT, b"\xff")).build(),
    "value-types": draft(("k", UINT, 1)).build().replace(b"k" + struct.pack("<I", 4), b"k" + struct.pack("<I", 77)),
    "arrays": draft(("k", ARRAY, (UINT, [1])))
    .build()
    .replace(struct.pack("<IQ", 4, 1), struct.pack("<IQ", 4, 1 << 60)),
    "alignment": draft(("general.alignment", UINT, 3)).build(),
    "tensor-names": draft(tensors=(WEIGHT, WEIGHT)).build(),
    "tensor-shapes": draft(tensors=(replace(WEIGHT, dims=(0,)),)).build(),
    "tensor-blocks": draft(tensors=(replace(WEIGHT, dims=(33,), type=8),)).build(),
    "tensor-types": draft(tensors=(replace(WEIGHT, dims=(32,), type=30, data=bytes(64)),)).build(),
    "tensor-offsets": draft(tensors=(replace(WEIGHT, data=bytes(512)), replace(WEIGHT, name="v"))).build(),
    "shape": draft(("llama.expert_count", UINT, 8), ("llama.expert_used_count", UINT, 9)).build(),
    "tokens": draft(("tokenizer.ggml.model", TEXT, b"gpt2")).build(),
    "split-files": draft(("split.count", UINT, 2)).build(),
}


@pytest.mark.parametrize("rule", WRONG)
def test_a_refusal_names_its_rule(rule, tmp_path):
    path = tmp_path / "wrong.gguf"
    path.write_bytes(WRONG[rule])
    assert rule_of(path) == rule


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("llama.attention.layer_norm_rms_epsilon", FLOAT, -1.0), "shape"),
        (("llama.rope.freq_base", FLOAT, float("inf")), "shape"),
        (("llama.pooling_type", UINT, 9), "shape"),
        (("llama.block_count", UINT, 0), "shape"),
        (("tokenizer.ggml.eos_token_id", UINT, 9999), "special-ids"),
        (("tokenizer.ggml.scores", ARRAY, (FLOAT, [0.0])), "token-arrays"),
        (("tokenizer.ggml.model", TEXT, b"rwkv"), "byte-tokens"),
    ],
)
def test_what_llama_cpp_would_die_of_is_refused(change, rule, tmp_path):
    whole = take_apart(write_llama(tmp_path / "sound.gguf"))
    check_header(tmp_path / "sound.gguf")
    path = tmp_path / "wrong.gguf"
    path.write_bytes(Draft([*(key for key in whole.keys if key[0] != change[0]), change], whole.tensors).build())
    assert rule_of(path) == rule


def test_padding_may_be_any_number(tmp_path):
    whole = take_apart(write_llama(tmp_path / "a.gguf"))
    path = tmp_path / "b.gguf"
    path.write_bytes(Draft([*whole.keys, ("tokenizer.ggml.padding_token_id", UINT, 32_000)], whole.tensors).build())
    check_header(path)


def parts_of(folder, *, numbers=(0, 1, 2)):
    """A model in three files."""
    for number in numbers:
        path = folder / f"m-{number + 1:05}-of-00003.gguf"
        keys = [("split.no", 2, number), ("split.count", 2, 3)]
        path.write_bytes(draft(*keys, tensors=[replace(WEIGHT, name=f"w{number}")]).build())
    return folder / "m-00001-of-00003.gguf"


def test_all_parts_of_a_split_model_are_looked_at(tmp_path):
    first = parts_of(tmp_path)
    check_header(first)
    (tmp_path / "m-00002-of-00003.gguf").replace(tmp_path / "x.gguf")
    assert rule_of(first) == "split-files"
    (tmp_path / "m-00003-of-00003.gguf").replace(tmp_path / "m-00002-of-00003.gguf")
    assert rule_of(first) == "split-files"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("general.type", TEXT, b"adapter"), "an adapter"),
        (("general.type", TEXT, b"mmproj"), "the vision part"),
        (("general.type", TEXT, b"imatrix"), "a table"),
    ],
)
def test_what_belongs_to_a_model_is_sound_but_none_itself(key, words, tmp_path):
    path = tmp_path / "part.gguf"
    path.write_bytes(draft(key).build())
    check_header(path)
    assert words in why_not_alone(path).cause


def test_a_model_is_one_by_itself(tmp_path):
    assert why_not_alone(write_bert(tmp_path / "b.gguf")) is None
