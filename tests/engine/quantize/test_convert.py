"""Models in safetensors become GGUF files that cut texts and compute as the originals do; all others are refused."""

import json
from contextlib import suppress
from pathlib import Path

import llama_cpp.llama_cpp as llama
import numpy as np
import pytest

from engine.backends.base import LoadOptions
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import open_context, open_weights
from engine.errors import CapabilityError, EngineError, ModelFileError
from engine.jobs import JobStopped
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.safetensors import read_tensors
from engine.quantize.convert import convert, plan_conversion
from engine.quantize.importances import read_text
from tests.engine.quantize.hf_model import LLAMA_CUT, QWEN_CUT, HfModel, write_safetensors
from tests.engine.quantize.support import Told

pytestmark = pytest.mark.models

KINDS = ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"]
TEXTS = [
    *read_text(None).split("\n\n"),
    "a  b\t c\n\n\n  d\r\ne 1234567 I'LL we've  ",
    "日本語 😀 naïve",
    "<|end|>x",
    "",
]


def made(model: HfModel) -> Path:
    result = model.folder.parent / "made.gguf"
    convert(plan_conversion(model.folder), result, Told().control)
    return result


def compute(path: Path, tokens: list[int]) -> np.ndarray:
    """llama.cpp's logits."""
    weights = open_weights(describe(read_header(path), "made"), LoadOptions(threads=1), lambda _fraction: True)
    params = llama.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = params.n_outputs_max = 256
    params.n_threads = params.n_threads_batch = 1
    context = DecodeContext(open_context(weights, params), Vocabulary(weights.handle).size, 1)
    context.batch.add_chunk(tokens, 0, 0, last=False)
    context.batch.wanted[: len(tokens)] = 1
    context.batch.outputs = len(tokens)
    context.decode()
    found = context.logits().copy()
    context.free()
    weights.free()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_it_computes_what_the_original_does(kind: str, tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model", kind)
    path = made(model)
    tokens = model.words.encode(TEXTS[0]).ids[:100]
    expected, found = model.logits(tokens), compute(path, tokens)
    assert np.abs(found - expected).max() < 0.02 * expected.std()
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.98


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_kinds_of_numbers(dtype: str, tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model", dtype=dtype)
    types = {tensor.type.name for tensor in read_header(made(model)).tensors}
    assert types == {"F32", dtype}


@pytest.mark.parametrize("cut", [None, LLAMA_CUT, QWEN_CUT])
def test_it_cuts_texts_as_the_original_does(cut: str | None, tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model", cut=cut)
    path = made(model)
    options = LoadOptions(threads=1)
    weights = open_weights(describe(read_header(path), "made"), options, lambda _fraction: True, words_only=True)
    vocabulary = Vocabulary(weights.handle)
    for text in TEXTS:
        found = vocabulary.tokenize(text, add_special=False, parse_special=True)
        assert found == model.words.encode(text).ids, text[:60]
    begin = model.words.token_to_id("<|begin|>")
    assert vocabulary.bos_tokens == [begin]
    assert vocabulary.is_end(model.words.token_to_id("<|end|>"))
    weights.free()
    assert read_header(path).text("tokenizer.chat_template") is not None


def test_weights_in_several_files_and_a_tied_head(tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model")
    del model.weights["lm_head.weight"]
    model.config["tie_word_embeddings"] = True
    model.save()
    whole = made(model).read_bytes()
    (model.folder / "model.safetensors").unlink()
    names = sorted(model.weights)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        write_safetensors(model.folder / file, {name: model.weights[name] for name in part}, "F32")
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (model.folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    (model.folder.parent / "made.gguf").unlink()
    split = read_header(made(model))
    assert {tensor.name for tensor in split.tensors} >= {"token_embd.weight"}
    assert split.size_bytes == len(whole)
    (model.folder / "b.safetensors").unlink()
    with pytest.raises(ModelFileError):
        plan_conversion(model.folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"architectures": ["OtherForCausalLM"]}, "does not convert OtherForCausalLM"),
        ({"architectures": None}, "does not convert unknown"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "stretches or limits"),
        ({"sliding_window": 256}, "stretches or limits"),
        ({"hidden_act": "gelu"}, "another function than SiLU"),
        ({"num_hidden_layers": 3}, "is missing"),
        ({"num_hidden_layers": 1}, "is not known in such a model"),
        ({"hidden_size": 32}, "has the shape"),
        ({"hidden_size": -1}, "does not say its hidden_size"),
        ({"num_attention_heads": "many"}, "does not say its num_attention_heads"),
    ],
)
def test_others_are_refused(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model")
    model.config |= change
    model.save()
    with pytest.raises((CapabilityError, ModelFileError), match=reason):
        plan_conversion(model.folder)


def test_other_ways_to_cut_texts_are_refused(tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model", cut=r"\w+|\W+")
    with pytest.raises(CapabilityError, match="cuts texts into tokens in a way"):
        plan_conversion(model.folder)
    (model.folder / "tokenizer.json").unlink()
    with pytest.raises(ModelFileError, match=r"no tokenizer\.json"):
        plan_conversion(model.folder)
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        plan_conversion(tmp_path)


def test_damaged_files_raise_only_our_own_error(tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model")
    rng = np.random.default_rng(1)
    for name in ("model.safetensors", "tokenizer.json", "config.json", "tokenizer_config.json"):
        path = model.folder / name
        good = path.read_bytes()
        for number in range(60):
            bad = bytearray(good[: int(rng.integers(len(good)))] if number % 3 == 0 else good)
            for at in rng.integers(min(len(bad), 4000), size=3) if bad else ():
                bad[at] = rng.integers(256)
            path.write_bytes(bad)
            with suppress(EngineError):
                plan_conversion(model.folder)
        path.write_bytes(good)


def test_a_list_that_lies_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for head in (
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [4], "data_offsets": [100, 116]}},
        {"a": {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]}},
        {"a": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [4]}},
        ["a"],
    ):
        data = json.dumps(head).encode()
        path.write_bytes(len(data).to_bytes(8, "little") + data + bytes(16))
        with pytest.raises(ModelFileError):
            read_tensors(path)


def test_stopping(tmp_path: Path) -> None:
    model = HfModel(tmp_path / "model")
    told = Told()
    told.control.stop()
    with pytest.raises(JobStopped):
        convert(plan_conversion(model.folder), tmp_path / "made.gguf", told.control)
