"""Sizes are forecast as llama.cpp's quantizer would make them, tensor by tensor, without opening the model."""

import ctypes
import re
from pathlib import Path

import llama_cpp.llama_cpp as llama
import pytest

from engine.backends.llama.native import NativeLog, captured_log, ensure_initialised
from engine.bench.random_model import RECIPES as TYPES
from engine.bench.random_model import SHAPES, write_random_gguf
from engine.errors import CapabilityError, ModelFileError
from engine.models.ggml import FILE_TYPES
from engine.models.gguf import read_header
from engine.models.gguf_writer import TensorSpec, WeightType, write_header
from engine.models.random_model import RandomShape, write_hollow_model
from engine.quantize.mixtures import plan
from engine.quantize.planning import outcome_of, outcomes, tensors_of
from engine.quantize.recipes import GGUF_RECIPES, recipe_of
from tests.engine.quantize.support import STARTER

ODD = RandomShape(6, 96, 288, 3, 3, 512, 512)  # rows of 32 times something
STRANGE = RandomShape(2, 100, 300, 5, 5, 512, 512)  # rows that no block fills
SHARED = RandomShape(9, 512, 1536, 8, 2, 2048, 512)  # four heads share a key
ALL = {"100m": SHAPES["100m"], "1b": SHAPES["1b"], "odd": ODD, "strange": STRANGE, "shared": SHARED}


class DryLog(NativeLog):
    """Takes the types that the quantizer would give."""

    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, str] = {}
        self._name = ""

    def add(self, level: int, line: str) -> None:
        super().add(level, line)
        if match := re.match(r"\[ *\d+/ *\d+\] (\S+) .*type = +(\S+),", line):
            self._name = match[1]
            self.types[self._name] = match[2].upper()
        elif match := re.search(r"-> +[\d.]+ MiB \((\w+)\)", line):
            self.types[self._name] = match[1].upper()


def real_types(path: Path, recipe: str, has_importances: bool) -> dict[str, str]:
    """What llama.cpp itself would do, in a dry run."""
    ensure_initialised()
    params = llama.llama_model_quantize_default_params()
    params.ftype = next(number for number, name in FILE_TYPES.items() if name == recipe.upper())
    params.dry_run = True
    entries = (llama.llama_model_imatrix_data * 2)()
    value = (ctypes.c_float * 1)(1.0)
    entries[0].name, entries[0].data, entries[0].size = b"nothing", value, 1
    if has_importances:
        params.imatrix = entries
    said = DryLog()
    with captured_log(said):
        assert llama.llama_model_quantize(str(path).encode(), b"/dev/null", params) == 0
    return said.types


@pytest.mark.parametrize("recipe", [recipe.id for recipe in GGUF_RECIPES])
@pytest.mark.parametrize("name", [*ALL, "starter"])
def test_every_tensor_gets_the_type_that_was_said(name: str, recipe: str, tmp_path: Path) -> None:
    path = STARTER
    if name != "starter":
        path = tmp_path / f"{name}.gguf"
        write_hollow_model(path, ALL[name], TYPES["f16"], name=name)
    planned = {tensor.name: kind.name for tensor, kind, _ in plan(read_header(path), tensors_of(path), recipe)}
    assert planned == real_types(path, recipe, recipe_of(recipe, "gguf").needs_calibration)


@pytest.mark.parametrize("experts", [4, 8])
@pytest.mark.parametrize("recipe", [recipe.id for recipe in GGUF_RECIPES])
def test_experts(experts: int, recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "experts.gguf"
    specs = [TensorSpec("token_embd.weight", (512, 256), WeightType.BF16)]
    for layer in range(3):
        start = f"blk.{layer}."
        specs += [TensorSpec(f"{start}attn_{part}.weight", (256, 256), WeightType.BF16) for part in ("q", "k", "v")]
        specs += [
            TensorSpec(f"{start}attn_output.weight", (256, 256), WeightType.BF16),
            TensorSpec(f"{start}ffn_gate_inp.weight", (experts, 256), WeightType.F32),
            TensorSpec(f"{start}ffn_up_exps.weight", (experts, 512, 256), WeightType.BF16),
            TensorSpec(f"{start}ffn_down_exps.weight", (experts, 256, 512), WeightType.BF16),
        ]
    write_hollow_model(path, RandomShape(3, 256, 512, 4, 4, 512, 512), TYPES["bf16"], name="experts")
    kept = {key: value for key, value in read_header(path).metadata.items() if not hasattr(value, "raw")}
    numbers = {"llama.expert_count": experts, "llama.expert_used_count": 2}
    words = {"tokenizer.ggml.model": "none"}
    with path.open("wb") as stream:
        stream.truncate(write_header(stream, {**kept, **numbers, **words}, specs))
    planned = {tensor.name: kind.name for tensor, kind, _ in plan(read_header(path), tensors_of(path), recipe)}
    assert planned == real_types(path, recipe, recipe_of(recipe, "gguf").needs_calibration)


def test_forecast_of_a_large_model(tmp_path: Path) -> None:
    path = tmp_path / "7b.gguf"
    write_hollow_model(path, SHAPES["7b"], TYPES["f16"], name="7b")
    found = {outcome.recipe.id: outcome for outcome in outcomes(path)}
    assert [outcome.size_bytes for outcome in found.values()] == sorted(
        (outcome.size_bytes for outcome in found.values()), reverse=True
    )
    ratio = found["q4_k_m"].size_bytes / path.stat().st_size
    assert 0.29 < ratio < 0.32
    assert found["q8_0"].speedup == pytest.approx(16 / 8.5, rel=0.01)
    assert 3.1 < found["q4_k_m"].speedup < 3.4
    assert all(outcome.kept == 0 for outcome in found.values())


def test_rows_that_blocks_do_not_fill_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    write_hollow_model(path, ODD, TYPES["f16"], name="odd")
    found = {outcome.recipe.id: outcome for outcome in outcomes(path)}
    assert found["q8_0"].kept == 0
    assert found["q4_k_m"].kept == found["q4_k_m"].matrices == 6 * 7 + 2


@pytest.mark.parametrize("kind", ["q8_0", "q4_k_m", "iq4_xs"])
def test_what_is_quantized_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    write_random_gguf(path, "tiny", kind)
    with pytest.raises(CapabilityError, match="quantized already") as caught:
        outcomes(path)
    assert "F16" in caught.value.remedy
    with pytest.raises(CapabilityError):
        outcome_of(path, GGUF_RECIPES[0])


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(STARTER.read_bytes()[:4_000_000])
    with pytest.raises(ModelFileError, match="incomplete"):
        outcomes(path)


def test_an_unknown_recipe_is_refused() -> None:
    assert recipe_of(" BALANCED ", "gguf").id == "q5_k_m"
    with pytest.raises(CapabilityError, match="no recipe 'q1'") as caught:
        recipe_of("q1", "gguf")
    assert "q4_k_m" in caught.value.remedy


def test_graphs_are_offered_what_suits_them() -> None:
    reader = STARTER.with_name("reader.onnx")
    found = outcomes(reader)
    assert [outcome.recipe.id for outcome in found] == ["int8-static"]
    assert 0.25 < found[0].size_bytes / reader.stat().st_size < 0.35
    with pytest.raises(CapabilityError, match="would make only"):
        outcome_of(reader, recipe_of("int4", "onnx"))
