"""GGUF files are made smaller by the real quantizer, in a child, with importances that the real model gives."""

import struct
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.backends.llama.quantizing import read_importances
from engine.bench.random_model import RECIPES as TYPES
from engine.bench.random_model import write_random_gguf
from engine.errors import CapabilityError, JobError, ModelFileError
from engine.jobs import JobStopped
from engine.models import random_model
from engine.models.gguf import read_header
from engine.models.gguf_writer import TensorSpec, WeightType, write_gguf
from engine.models.random_model import RandomShape, tensors_of
from engine.quantize import gguf
from engine.quantize.gguf import quantize_gguf
from engine.quantize.importances import read_text
from engine.quantize.planning import outcomes
from engine.quantize.recipes import GGUF_RECIPES, recipe_of
from resources import calibration_file
from tests.engine.quantize.support import STARTER, Told, divergence, log_probabilities

pytestmark = pytest.mark.models

HELD_OUT = (STARTER.parents[1] / "held_out.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keeps the importances of the starter for all tests of this module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def short_text(tmp_path: Path) -> Path:
    text = tmp_path / "short.txt"
    text.write_text("def add(a, b):\n    return a + b\n" * 60, encoding="utf-8")
    return text


def made(folder: Path, recipe: str, cache: Path, told: Told | None = None) -> Path:
    result = folder / f"{recipe}.gguf"
    control = (told or Told()).control
    quantize_gguf(STARTER, result, recipe, None, control, cache=cache, source_digest="starter")
    return result


@pytest.mark.parametrize("recipe", [recipe.id for recipe in GGUF_RECIPES])
def test_a_result_is_what_was_forecast(recipe: str, tmp_path: Path, cache: Path) -> None:
    before, told = STARTER.read_bytes(), Told()
    result = made(tmp_path, recipe, cache, told)
    expected = next(outcome for outcome in outcomes(STARTER) if outcome.recipe.id == recipe)
    assert result.stat().st_size == pytest.approx(expected.size_bytes, rel=0.001)
    assert STARTER.read_bytes() == before
    old, new = read_header(STARTER), read_header(result)
    assert new.architecture == old.architecture
    assert new.text("tokenizer.chat_template") == old.text("tokenizer.chat_template")
    types = {tensor.name: tensor.type.name for tensor in new.tensors}
    assert types["token_embd.weight"] == ("Q8_0" if recipe == "q8_0" else "Q6_K")  # it is the head as well
    assert told.shares == sorted(told.shares)


def test_importances_bring_a_result_closer_to_its_source(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = log_probabilities(STARTER, HELD_OUT)
    for recipe in ("q4_k_m", "iq4_xs"):
        informed = made(tmp_path, recipe, cache).rename(tmp_path / "informed.gguf")
        plain_recipe = replace(recipe_of(recipe, "gguf"), needs_calibration=False)
        monkeypatch.setattr(gguf, "recipe_of", lambda *_arguments, it=plain_recipe: it)
        plain = made(tmp_path, recipe, cache)
        monkeypatch.undo()
        assert plain.read_bytes() != informed.read_bytes()
        with_them, without = (divergence(before, log_probabilities(path, HELD_OUT)) for path in (informed, plain))
        assert with_them < 0.97 * without


def test_importances_are_of_every_matrix_of_every_layer(tmp_path: Path, cache: Path) -> None:
    made(tmp_path, "q4_k_m", cache)
    [kept] = (cache / "importances").glob("*.npz")
    found = read_importances(kept)
    sizes = {tensor.name: tensor.dims[0] for tensor in read_header(STARTER).tensors if len(tensor.dims) > 1}
    del sizes["token_embd.weight"]
    assert {name: len(values) for name, values in found.items()} == sizes
    assert all((values > 0).all() for values in found.values())
    for layer in range(4):  # these are multiplied with the same activations
        query, key, value = (found[f"blk.{layer}.attn_{part}.weight"] for part in "qkv")
        assert np.array_equal(query, key)
        assert np.array_equal(query, value)
        assert not np.array_equal(query, found[f"blk.{layer}.attn_output.weight"])


def test_importances_are_measured_once(tmp_path: Path, short_text: Path) -> None:
    def make(recipe: str) -> None:
        control = Told().control
        quantize_gguf(STARTER, tmp_path / recipe, recipe, short_text, control, cache=tmp_path, source_digest="starter")

    make("q4_k_m")
    [kept] = (tmp_path / "importances").glob("*.npz")
    inode, content = kept.stat().st_ino, kept.read_bytes()
    make("iq4_xs")
    assert [path.stat().st_ino for path in (tmp_path / "importances").glob("*.npz")] == [inode]
    kept.write_bytes(content[:2000])  # a damaged one is measured again
    make("q3_k_m")
    assert len(kept.read_bytes()) == len(content)


def test_stopping_ends_the_child_at_once(tmp_path: Path) -> None:
    source = tmp_path / "large.gguf"
    write_random_gguf(source, "100m", "f16")
    told = Told()
    threading.Timer(1.5, told.control.stop).start()
    with pytest.raises(JobStopped):
        quantize_gguf(source, tmp_path / "part.gguf", "q4_k_m", None, told.control)
    assert psutil.Process().children() == []


def test_a_text_of_ones_own(tmp_path: Path, short_text: Path) -> None:
    text = short_text
    result = tmp_path / "result.gguf"
    quantize_gguf(STARTER, result, "q4_k_m", text, Told().control)
    assert read_header(result).tensors
    text.write_text("too short", encoding="utf-8")
    with pytest.raises(CapabilityError, match="too short"):
        quantize_gguf(STARTER, result, "q4_k_m", text, Told().control)
    for content, reason in ((b"\xff\xfe\x00", "no text in UTF-8"), (b"  \n", "is empty")):
        text.write_bytes(content)
        with pytest.raises(CapabilityError, match=reason):
            read_text(text)
    with pytest.raises(CapabilityError, match="cannot be read"):
        read_text(tmp_path / "missing.txt")


def test_the_calibration_text_is_not_what_results_are_measured_on() -> None:
    text = read_text(None)
    assert 30_000 < calibration_file().stat().st_size < 60_000
    words = HELD_OUT.split()
    runs = {" ".join(words[at : at + 8]) for at in range(len(words) - 7)}
    plain = " ".join(text.split())
    assert [run for run in runs if run in plain] == []


@pytest.mark.parametrize("kind", ["q8_0", "q4_k_m"])
def test_a_quantized_source_is_refused(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "small.gguf"
    write_random_gguf(source, "tiny", kind)
    with pytest.raises(CapabilityError, match="quantized already"):
        quantize_gguf(source, tmp_path / "part.gguf", "q4_k_m", None, Told().control)
    assert not (tmp_path / "part.gguf").exists()


def test_an_architecture_that_llama_cpp_does_not_know(tmp_path: Path) -> None:
    source = tmp_path / "unknown.gguf"
    write_random_gguf(source, "tiny", "f16", architecture="nobody")
    with pytest.raises((JobError, ModelFileError)) as caught:
        quantize_gguf(source, tmp_path / "part.gguf", "q8_0", None, Told().control)
    assert "nobody" in str(caught.value)


def test_models_for_embeddings(tmp_path: Path, short_text: Path) -> None:
    source, result = tmp_path / "source.gguf", tmp_path / "part.gguf"
    write_random_gguf(source, "tiny", "bf16", extra={"llama.pooling_type": 1})
    quantize_gguf(source, result, "q5_k_m", short_text, Told().control)
    assert {tensor.type.name for tensor in read_header(result).tensors} == {"F32", "Q5_K", "Q6_K"}


def split_starter(folder: Path) -> Path:
    """The starter in two files, as other programs split models; returns the first."""
    header, data = read_header(STARTER), STARTER.read_bytes()
    first = header.tensors[0].name.encode()
    keys = data[24 : data.index(struct.pack("<Q", len(first)) + first)]
    halves = (header.tensors[:15], header.tensors[15:])
    for number, tensors in enumerate(halves):
        body, extra, infos, weights = (keys if number == 0 else b""), b"", b"", b""
        for name, kind, value in (("split.no", "H", number), ("split.count", "H", 2), ("split.tensors.count", "i", 38)):
            code = {"H": 2, "i": 5}[kind]
            extra += struct.pack("<Q", len(name)) + name.encode() + struct.pack(f"<I{kind}", code, value)
        for tensor in tensors:
            kind = 0 if tensor.type.name == "F32" else 1
            infos += struct.pack("<Q", len(tensor.name)) + tensor.name.encode() + struct.pack("<I", len(tensor.dims))
            infos += struct.pack(f"<{len(tensor.dims)}QIQ", *tensor.dims, kind, len(weights))
            weights += data[tensor.offset : tensor.offset + tensor.size_bytes]
        count = 3 + (len(header.metadata) if number == 0 else 0)
        head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), count) + body + extra + infos
        path = folder / f"parts-{number + 1:05}-of-00002.gguf"
        path.write_bytes(head + bytes(-len(head) % 32) + weights)
    return folder / "parts-00001-of-00002.gguf"


def test_a_model_in_several_files_becomes_one(tmp_path: Path, cache: Path) -> None:
    source, result = split_starter(tmp_path), tmp_path / "result.gguf"
    quantize_gguf(source, result, "q8_0", None, Told().control)
    whole = read_header(made(tmp_path, "q8_0", cache))
    found = read_header(result)
    assert found.number("split.count") is None
    assert {(tensor.name, tensor.type) for tensor in found.tensors} == {(it.name, it.type) for it in whole.tensors}
    expected = next(outcome for outcome in outcomes(source) if outcome.recipe.id == "q8_0")
    assert result.stat().st_size == pytest.approx(expected.size_bytes, rel=0.001)


def write_experts(path: Path, experts: int = 4) -> None:
    """A random model of which each token takes two of some experts."""
    shape, rng = RandomShape(2, 256, 256, 4, 2, 512, 512), np.random.default_rng(7)
    specs = [spec for spec in tensors_of(shape, TYPES["f16"]) if "ffn_" not in spec.name or "norm" in spec.name]
    for layer in range(shape.layers):
        specs.append(TensorSpec(f"blk.{layer}.ffn_gate_inp.weight", (experts, 256), WeightType.F32))
        specs += [
            TensorSpec(f"blk.{layer}.ffn_{part}_exps.weight", (experts, 256, 256), WeightType.F16)
            for part in ("gate", "up", "down")
        ]

    def data(spec: TensorSpec) -> list[bytes]:
        values = np.ones(spec.shape) if len(spec.shape) == 1 else rng.normal(0, 0.05, spec.shape)
        return [values.astype(np.float32 if spec.type is WeightType.F32 else np.float16).tobytes()]

    metadata = random_model._metadata(shape, TYPES["f16"], "experts", "llama")
    with path.open("wb") as stream:
        write_gguf(stream, {**metadata, "llama.expert_count": experts, "llama.expert_used_count": 2}, specs, data)


def test_importances_of_experts(tmp_path: Path, short_text: Path) -> None:
    source, result = tmp_path / "experts.gguf", tmp_path / "part.gguf"
    write_experts(source)
    quantize_gguf(source, result, "q4_k_m", short_text, Told().control, cache=tmp_path, source_digest="experts")
    [kept] = (tmp_path / "importances").glob("*.npz")
    found = read_importances(kept)
    for part in ("gate", "up", "down"):
        values = found[f"blk.0.ffn_{part}_exps.weight"].reshape(4, 256)
        assert (values > 0).all()
        assert not np.allclose(values[0], values[1])  # each has tokens of its own
    assert np.array_equal(found["blk.0.ffn_gate_exps.weight"], found["blk.0.ffn_up_exps.weight"])
    # Of all tokens together, the experts see what the choice of experts saw, each token twice.
    seen = found["blk.0.ffn_gate_inp.weight"]
    assert found["blk.0.ffn_gate_exps.weight"].reshape(4, 256).mean(axis=0) == pytest.approx(seen, rel=0.5)
    types = {tensor.name: tensor.type.name for tensor in read_header(result).tensors}
    assert types["blk.0.ffn_gate_exps.weight"] == "Q4_K"
    assert types["blk.0.ffn_gate_inp.weight"] == "F32"
