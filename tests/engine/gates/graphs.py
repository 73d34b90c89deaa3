"""Graphs that are right, but for what a test does to them."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def save(path: Path, model: onnx.ModelProto) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def product(operator: str = "MatMul", domain: str = "") -> onnx.ModelProto:
    """One product with a matrix of 8 by 8."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"], domain=domain)],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 8])],
        [numpy_helper.from_array(np.eye(8, dtype=np.float32), "w")],
    )
    domains = {"", domain}
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(name, 17 if not name else 1) for name in domains]
    )
    model.ir_version = 8
    return model


def with_weights_outside(**entries: str) -> onnx.ModelProto:
    """The same, with its 256 bytes of weights in a file."""
    model = product()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    return model


def endless() -> onnx.ModelProto:
    """A loop that a machine will not see the end of."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["more"], ["go"]), helper.make_node("Sin", ["v"], ["w"])],
        "b",
        [
            helper.make_tensor_value_info("i", INT64, []),
            helper.make_tensor_value_info("more", BOOL, []),
            helper.make_tensor_value_info("v", FLOAT, [4]),
        ],
        [helper.make_tensor_value_info("go", BOOL, []), helper.make_tensor_value_info("w", FLOAT, [4])],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["count", "yes", "x"], ["y"], body=body)],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [4])],
        [helper.make_tensor_value_info("y", FLOAT, [4])],
        [
            numpy_helper.from_array(np.array((1 << 63) - 1, np.int64), "count"),
            numpy_helper.from_array(np.array(True), "yes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def with_functions(*bodies: tuple[str, list[str]]) -> onnx.ModelProto:
    """A graph that calls the first of these functions, each of which calls the functions that are named."""
    model = product()
    model.opset_import.add(domain="own", version=1)
    model.graph.node.add(op_type=bodies[0][0], domain="own", input=["y"], output=["z"])
    for name, calls in bodies:
        function = model.functions.add(name=name, domain="own", input=["a"], output=["b"])
        function.opset_import.add(domain="own", version=1)
        for call in calls:
            function.node.add(op_type=call, domain="own", input=["a"], output=["b"])
    return model


def nested(depth: int) -> onnx.ModelProto:
    """A branch in a branch in a branch."""
    inner = onnx.GraphProto(name="n")
    for _ in range(depth):
        outer = onnx.GraphProto(name="n")
        outer.node.add(op_type="If", input=["c"], output=["d"]).attribute.add(name="then_branch", type=5).g.CopyFrom(
            inner
        )
        inner = outer
    model = product()
    model.graph.node.add(op_type="If", input=["c"], output=["d"]).attribute.add(name="then_branch", type=5).g.CopyFrom(
        inner
    )
    return model
