"""Which operators become integer ones, and with how many bits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from engine.backends.onnx.graph_outline import read_outline
from engine.backends.onnx.quantize_rules import covered_share, float_nodes, needs_reduced_range

SaveGraph = Callable[..., Path]


@pytest.mark.parametrize(
    ("machine", "flags", "reduced"),
    [
        ("x86_64", ["avx2", "fma"], True),
        ("AMD64", ["avx2", "avx512f"], True),
        ("AMD64", None, True),
        ("x86_64", ["avx2", "avx_vnni"], False),
        ("x86_64", ["avx512f", "avx512_vnni"], False),
        ("x86_64", ["amx_int8"], False),
        ("aarch64", ["asimd"], False),
        ("arm64", None, False),
    ],
)
def test_without_vnni_weights_have_seven_bits(machine: str, flags: list[str] | None, reduced: bool):
    assert needs_reduced_range(machine, flags) is reduced


def test_shares_count_the_weights_that_a_recipe_takes(save_graph: SaveGraph):
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "matrix"], ["y"]),
    ]
    weights = {
        "kernel": np.zeros((10, 3, 3, 3), np.float32),
        "bias": np.zeros(10, np.float32),
        "matrix": np.zeros((10, 20), np.float32),
    }
    outline = read_outline(save_graph(nodes, {"x": (TensorProto.FLOAT, [1, 3, 8, 8])}, {"y": [1, 20]}, weights))
    total = 270 + 10 + 200
    assert covered_share(outline, "int8") == covered_share(outline, "int4") == pytest.approx(200 / total)
    assert covered_share(outline, "int8-static") == pytest.approx(470 / total)


def test_convolutions_over_few_channels_stay_in_floats(save_graph: SaveGraph):
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "deep"], ["c"], group=8),
        helper.make_node("Conv", ["c", "wide"], ["y"]),
    ]
    weights = {
        "first": np.zeros((8, 3, 3, 3), np.float32),
        "deep": np.zeros((8, 1, 1, 1), np.float32),
        "wide": np.zeros((4, 8, 1, 1), np.float32),
    }
    outline = read_outline(save_graph(nodes, {"x": (TensorProto.FLOAT, [1, 3, 8, 8])}, {"y": [1, 4, 6, 6]}, weights))
    assert float_nodes(outline) == [0]
