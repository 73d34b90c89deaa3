from pathlib import Path

import numpy as np

from engine.backends.onnx.graph_memory import graph_memory
from engine.backends.onnx.graph_writer import NewNode, write_graph
from engine.backends.onnx.measuring import GraphSize, write_measured_graph


def test_convolutions_are_copied_and_large_products_one_by_one(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures.onnx"
    write_measured_graph(pictures, GraphSize(side=16, channels=64, layers=4))
    size = pictures.stat().st_size
    found = graph_memory(pictures, size)
    assert 1.8 * size < found.copies_bytes <= 2.0 * size
    assert found.run_bytes == int(4.4 * 4 * 64 * 16 * 16)


def test_products_are_packed(tmp_path: Path) -> None:
    path, side = tmp_path / "products.onnx", 128
    weights = {"w0": np.ones((side, side), np.float32), "w1": np.ones((side, side), np.float32)}
    nodes = [NewNode("MatMul", ("x", "w0"), ("a",)), NewNode("MatMul", ("a", "w1"), ("y",))]
    write_graph(path, nodes, {"x": (1, side)}, {"y": (1, side)}, weights)
    size = 2 * 4 * side * side
    assert graph_memory(path, size).copies_bytes == int(0.65 * size)
