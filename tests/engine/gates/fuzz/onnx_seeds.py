"""Right graphs of several kinds, small enough to be opened in milliseconds: what mutations begin with."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def graphs() -> list[onnx.ModelProto]:
    """A small network for pictures, one for texts, a loop with a branch, a quantized one, and one with a function."""
    return [_pictures(), _texts(), _loop(), _quantized(), _function()]


def _weight(name: str, *shape: int) -> onnx.TensorProto:
    rng = np.random.default_rng(len(name))
    return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)


def _numbers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def _model(graph: onnx.GraphProto, *more: onnx.OperatorSetIdProto) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET), *more])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _pictures() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["a"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "bias", "bias", "bias", "variance"], ["b"], epsilon=1e-5),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Resize", ["d", "", "scales"], ["e"], mode="nearest"),
        helper.make_node("Transpose", ["e"], ["f"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["f", "shape"], ["g"]),
        helper.make_node("Gemm", ["g", "dense"], ["h"], transB=1),
        helper.make_node("Softmax", ["h"], ["y"], axis=-1),
    ]
    weights = [
        _weight("kernel", 4, 3, 3, 3),
        _weight("bias", 4),
        numpy_helper.from_array(np.ones(4, np.float32), "variance"),
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"),
        _numbers("shape", 1, -1),
        _weight("dense", 10, 256),
    ]
    inputs = [helper.make_tensor_value_info("x", FLOAT, [1, 3, 8, 8])]
    return _model(helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("y", FLOAT, [1, 10])], weights))


def _texts() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["a"]),
        helper.make_node("LayerNormalization", ["a", "scale"], ["b"], axis=-1),
        helper.make_node("MatMul", ["b", "dense"], ["c"]),
        helper.make_node("Split", ["c", "parts"], ["q", "k", "v"], axis=-1),
        helper.make_node("Einsum", ["q", "k"], ["s"], equation="bid,bjd->bij"),
        helper.make_node("Softmax", ["s"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "v"], ["o"]),
        helper.make_node("Slice", ["o", "starts", "ends", "axes"], ["l"]),
        helper.make_node("ReduceMean", ["l"], ["m"], axes=[1], keepdims=0),
        helper.make_node("TopK", ["m", "most"], ["y", "where"], axis=-1),
    ]
    weights = [
        _weight("table", 32, 16), _weight("scale", 16), _weight("dense", 16, 24), _numbers("parts", 8, 8, 8),
        _numbers("starts", 0), _numbers("ends", 4), _numbers("axes", 1), _numbers("most", 3),
    ]  # fmt: skip
    inputs = [helper.make_tensor_value_info("ids", INT64, ["batch", "words"])]
    outputs = [
        helper.make_tensor_value_info("y", FLOAT, [None, 3]),
        helper.make_tensor_value_info("where", INT64, [None, 3]),
    ]
    return _model(helper.make_graph(nodes, "g", inputs, outputs, weights))


def _loop() -> onnx.ModelProto:
    value, cond = helper.make_tensor_value_info("v", FLOAT, [4]), helper.make_tensor_value_info("more", BOOL, [])
    branch = helper.make_graph(
        [helper.make_node("Mul", ["v", "v"], ["w1"])], "t", [], [helper.make_tensor_value_info("w1", FLOAT, [4])]
    )
    other = helper.make_graph(
        [helper.make_node("Add", ["v", "v"], ["w2"])], "e", [], [helper.make_tensor_value_info("w2", FLOAT, [4])]
    )
    body = helper.make_graph(
        [
            helper.make_node("If", ["more"], ["w"], then_branch=branch, else_branch=other),
            helper.make_node("Identity", ["more"], ["go"]),
        ],
        "b",
        [helper.make_tensor_value_info("i", INT64, []), cond, value],
        [helper.make_tensor_value_info("go", BOOL, []), helper.make_tensor_value_info("w", FLOAT, [4])],
    )
    nodes = [
        helper.make_node("Loop", ["count", "yes", "x"], ["y"], body=body),
        helper.make_node("Scan", ["x", "rows"], ["z"], num_scan_inputs=1, body=_scan_body()),
    ]
    weights = [_numbers("count", 3), numpy_helper.from_array(np.array(True), "yes"), _weight("rows", 3, 4)]
    weights[0].dims[:] = []
    inputs = [helper.make_tensor_value_info("x", FLOAT, [4])]
    outputs = [helper.make_tensor_value_info("y", FLOAT, [4]), helper.make_tensor_value_info("z", FLOAT, [4])]
    return _model(helper.make_graph(nodes, "g", inputs, outputs, weights))


def _scan_body() -> onnx.GraphProto:
    return helper.make_graph(
        [helper.make_node("Add", ["state", "row"], ["next"])],
        "s",
        [helper.make_tensor_value_info("state", FLOAT, [4]), helper.make_tensor_value_info("row", FLOAT, [4])],
        [helper.make_tensor_value_info("next", FLOAT, [4])],
    )


def _quantized() -> onnx.ModelProto:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        helper.make_node("MatMulInteger", ["q", "weights", "qz"], ["i"]),
        helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
        helper.make_node("Mul", ["f", "qs"], ["y"]),
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["a"]),
        helper.make_node("DequantizeLinear", ["a", "s", "z"], ["b"]),
        helper.make_node("FusedMatMul", ["b", "b"], ["c"], domain="com.microsoft", transB=1),
    ]
    weights = [
        numpy_helper.from_array(np.arange(64, dtype=np.int8).reshape(8, 8), "weights"),
        numpy_helper.from_array(np.array(0.1, np.float32), "s"),
        numpy_helper.from_array(np.array(0, np.uint8), "z"),
    ]
    inputs = [helper.make_tensor_value_info("x", FLOAT, [2, 8])]
    outputs = [helper.make_tensor_value_info("y", FLOAT, [2, 8]), helper.make_tensor_value_info("c", FLOAT, [2, 2])]
    return _model(helper.make_graph(nodes, "g", inputs, outputs, weights), helper.make_opsetid("com.microsoft", 1))


def _function() -> onnx.ModelProto:
    double = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", OPSET)]
    )
    nodes = [
        helper.make_node("Twice", ["x"], ["t"], domain="own"),
        helper.make_node("Twice", ["t"], ["u"], domain="own"),
        helper.make_node("LSTM", ["u", "w", "r"], ["", "y"], hidden_size=4),
    ]
    weights = [_weight("w", 1, 16, 4), _weight("r", 1, 16, 4)]
    inputs = [helper.make_tensor_value_info("x", FLOAT, [3, 1, 4])]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("y", FLOAT, [1, 1, 4])], weights)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, functions=[double], opset_imports=opsets)
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
