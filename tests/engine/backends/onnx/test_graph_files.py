"""Graphs as files: our own writer against the real checker, our own reader against what the real library writes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from engine.backends.onnx.estimating import estimated_flops
from engine.backends.onnx.graph_outline import Outline, batch_sides, is_qdq, read_outline
from engine.backends.onnx.graph_writer import NewNode, _varint, write_graph
from engine.backends.onnx.measuring import LARGE, SMALL, GraphSize, write_measured_graph
from engine.backends.onnx.session import Session
from engine.errors import ModelFileError, ModelNotFoundError

SaveGraph = Callable[..., Path]


# -------------------------------------------------------------------------------------------------------- the writer


def test_what_is_written_is_onnx(tmp_path: Path):
    path = tmp_path / "model.onnx"
    weight = np.arange(12, dtype=np.float32).reshape(4, 3)
    nodes = [
        NewNode("MatMul", ("x", "w"), ("h",)),
        NewNode("Transpose", ("h",), ("y",), {"perm": (1, 0)}),
    ]
    write_graph(path, nodes, {"x": (2, 4)}, {"y": (3, 2)}, {"w": weight})
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), weight)
    session = Session(path, 1)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_allclose(session.run({"x": x})[0], (x @ weight).T)
    session.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_the_graphs_of_measurements_are_onnx_and_their_arithmetic_is_known(size: GraphSize, tmp_path: Path):
    path = tmp_path / "model.onnx"
    write_measured_graph(path, size)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = Session(path, 1)
    [output] = session.run({"x": np.ones((1, 3, size.side, size.side), np.float32)})
    session.close()
    assert output.shape == (1, size.classes)
    assert np.isfinite(output).all()
    assert output.std() > 0
    assert estimated_flops(path) == size.operations


@given(st.integers(0, (1 << 64) - 1))
def test_numbers_are_written_as_protobuf_writes_them(value: int):
    data = _varint(value)
    assert sum((byte & 127) << 7 * index for index, byte in enumerate(data)) == value
    assert [byte >= 128 for byte in data] == [True] * (len(data) - 1) + [False]


def test_numbers_below_zero_are_refused():
    with pytest.raises(ValueError):
        _varint(-1)


# -------------------------------------------------------------------------------------------------------- the reader


def test_an_outline_has_operators_weights_and_sides(save_graph: SaveGraph):
    path = save_graph(
        [
            helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones((5, 6), np.float32))),
            helper.make_node("Conv", ["x", "w"], ["h"], strides=[2, 2], pads=[1, 0, 1, 0], auto_pad="NOTSET"),
            helper.make_node("Flatten", ["h"], ["y"], axis=-3),
        ],
        {"x": (TensorProto.FLOAT, ["batch", 3, "height", None])},
        {"y": ["batch", 7]},
        {"w": np.zeros((4, 3, 3, 3), np.float32)},
    )
    outline = read_outline(path)
    assert [node.kind for node in outline.nodes] == ["Constant", "Conv", "Flatten"]
    assert outline.nodes[1].inputs == ("x", "w")
    assert outline.nodes[1].numbers == {"strides": (2, 2), "pads": (1, 0, 1, 0)}
    assert outline.nodes[1].texts == {"auto_pad": "NOTSET"}
    assert outline.nodes[2].numbers == {"axis": (-3,)}
    assert outline.weights == {"w": (4, 3, 3, 3), "c": (5, 6)}
    assert outline.inputs == {"x": ("batch", 3, "height", None)}
    assert outline.outputs == {"y": ("batch", 7)}


def test_weights_beside_the_file_are_named(save_graph: SaveGraph, tmp_path: Path):
    path = save_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": (TensorProto.FLOAT, [1, 64])},
        {"y": [1, 64]},
        {"w": np.zeros((64, 64), np.float32)},
    )
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    outline = read_outline(path)
    assert outline.locations == {"weights.bin"}
    assert outline.weights == {"w": (64, 64)}


def test_what_is_no_graph(tmp_path: Path):
    with pytest.raises(ModelNotFoundError):
        read_outline(tmp_path / "none.onnx")
    path = tmp_path / "model.onnx"
    for data in (b"", b"this is a text file, not a model\n" * 20):
        path.write_bytes(data)
        with pytest.raises(ModelFileError):
            read_outline(path)
    assert not is_qdq(path)
    assert not is_qdq(tmp_path / "none.onnx")


def test_scrambled_files_never_raise_anything_else(save_graph: SaveGraph):
    path = save_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], strides=[1, 1], auto_pad="SAME_UPPER")],
        {"x": (TensorProto.FLOAT, ["n", 3, 8, 8])},
        {"y": ["n", 4, 8, 8]},
        {"w": np.zeros((4, 3, 3, 3), np.float32)},
    )
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 4):
            data[place] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            outcomes.add(type(estimated_flops(path)))
        except ModelFileError:
            outcomes.add(ModelFileError)
    assert outcomes == {int, ModelFileError}


@pytest.mark.parametrize(
    ("inputs", "outputs", "fixed"),
    [
        ({"x": ("n", 3, 8, 8)}, {"y": ("n", 4)}, {"n": 1}),
        ({"x": ("n", "length"), "mask": ("n", "length")}, {"y": ("n", "length", 8)}, {"n": 1}),
        ({"x": (None, 3, 8, 8)}, {"y": (None, 4)}, {}),
        ({"x": (2, 3, "side", "side")}, {"y": (2, 4)}, {}),
        ({"x": ("n", "n")}, {"y": ("n",)}, {}),
        ({"x": ("n", 4), "z": (4, "n")}, {"y": ("n",)}, {}),
        ({"x": ("n", 4)}, {"y": ("n", "n")}, {}),
        ({"x": ()}, {"y": ()}, {}),
    ],
)
def test_only_a_batch_is_fixed(inputs: dict, outputs: dict, fixed: dict):
    assert batch_sides(Outline((), {}, inputs, outputs)) == fixed


def test_weights_stored_as_integers_are_no_static_quantization(save_graph: SaveGraph):
    def save(*nodes):
        return save_graph(
            [*nodes, helper.make_node("Relu", ["last"], ["y"])],
            {"x": (TensorProto.FLOAT, [1, 4])},
            {"y": [1, 4]},
            {"scale": np.float32(0.1), "zero": np.uint8(128), "stored": np.zeros((1, 4), np.uint8)},
        )

    dequantize = helper.make_node("DequantizeLinear", ["stored", "scale", "zero"], ["w"])
    assert not is_qdq(save(dequantize, helper.make_node("Add", ["x", "w"], ["last"])))
    quantize = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"])
    assert is_qdq(save(quantize, helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["last"])))


# ---------------------------------------------------------------------------------------------------- the arithmetic


def test_a_network_for_pictures_is_counted_exactly(save_graph: SaveGraph):
    weights = {
        "w1": np.zeros((8, 3, 3, 3), np.float32),
        "depth": np.zeros((8, 1, 3, 3), np.float32),
        "w2": np.zeros((16, 8, 1, 1), np.float32),
        "last": np.zeros((10, 16 * 4 * 4), np.float32),
    }
    path = save_graph(
        [
            helper.make_node("Conv", ["x", "w1"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),  # 32 -> 16
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "depth"], ["c"], group=8, auto_pad="SAME_UPPER"),
            helper.make_node("Add", ["b", "c"], ["d"]),
            helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),  # -> 8
            helper.make_node("Conv", ["e", "w2"], ["f"]),
            helper.make_node("AveragePool", ["f"], ["g"], kernel_shape=[2, 2], strides=[2, 2]),  # -> 4
            helper.make_node("Flatten", ["g"], ["h"]),
            helper.make_node("Gemm", ["h", "last"], ["y"], transB=1),
        ],
        {"x": (TensorProto.FLOAT, ["n", 3, 32, 32])},
        {"y": ["n", 10]},
        weights,
    )
    expected = 2 * (27 * 8 * 16**2 + 9 * 8 * 16**2 + 8 * 16 * 8**2 + 16 * 16 * 10)
    assert estimated_flops(path) == expected
    assert estimated_flops(path, rows=4) == 4 * expected


def test_a_text_encoder_is_counted_per_token_of_an_assumed_length(save_graph: SaveGraph):
    path = save_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["a"]),
            helper.make_node("Transpose", ["w"], ["turned"], perm=[1, 0]),
            helper.make_node("MatMul", ["a", "turned"], ["b"]),
            helper.make_node("MatMul", ["b", "back"], ["y"]),
        ],
        {"ids": (TensorProto.INT64, ["n", "length"])},
        {"y": ["n", "length", 8]},
        {
            "table": np.zeros((100, 8), np.float32),
            "w": np.zeros((32, 8), np.float32),
            "back": np.zeros((32, 8), np.float32),
        },
    )
    assert estimated_flops(path) == 2 * 32 * (8 * 32 + 32 * 8)


def test_a_quantized_graph_costs_what_the_plain_one_does(save_graph: SaveGraph):
    scales = {"scale": np.float32(0.1), "zero": np.int8(0)}
    path = save_graph(
        [
            helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["weights"]),
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
            helper.make_node("Conv", ["d", "weights"], ["y"]),
        ],
        {"x": (TensorProto.FLOAT, [1, 3, 8, 8])},
        {"y": [1, 4, 6, 6]},
        {"w": np.zeros((4, 3, 3, 3), np.int8), **scales},
    )
    assert estimated_flops(path) == 2 * 27 * 4 * 36
