from pathlib import Path

import pytest

from engine.backends.onnx.measuring import SMALL, write_measured_graph
from engine.devices.variant import variant_of
from engine.models.gguf import read_header
from engine.models.gguf_info import describe as describe_gguf
from engine.models.gguf_writer import WeightType
from engine.models.onnx import describe as describe_onnx
from engine.models.random_model import RandomRecipe, RandomShape, write_random_model


def test_a_text_model_is_known_by_its_tensors(tmp_path: Path):
    path = tmp_path / "m.gguf"
    recipe = RandomRecipe(7, WeightType.Q8_0, WeightType.Q8_0)
    write_random_model(path, RandomShape(2, 64, 64, 1, 1, 300, 512), recipe, name="m")
    variant = variant_of(describe_gguf(read_header(path), "m"))
    assert (variant.id, variant.backend, variant.shape.layers) == ("m", "llama.cpp", 2)
    assert 8.5 <= variant.shape.bits_per_weight < 9


def test_a_graph_is_known_by_its_arithmetic(tmp_path: Path):
    path = tmp_path / "g.onnx"
    write_measured_graph(path, SMALL)
    variant = variant_of(describe_onnx(path, "g"))
    assert (variant.id, variant.backend, variant.shape.layers) == ("g", "onnxruntime", 0)
    assert variant.shape.run_operations == pytest.approx(SMALL.operations, rel=0.05)
