# ruff: noqa: E501  (tables)
"""Ways to damage an ONNX graph: blindly, and in its parts with the file put right again."""

import random
from collections.abc import Callable

import onnx
from onnx import AttributeProto, helper

NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    16,
    127,
    255,
    1 << 16,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 31,
    1 << 40,
    (1 << 63) - 1,
    -(1 << 63),
]
FLOATS = [0.0, -1.0, 1e-45, 3e38, float("inf"), float("nan")]
OPERATORS = [schema for schema in onnx.defs.get_all_schemas() if schema.domain == ""]
DOMAINS = ["", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc", "own", "custom.ops"]
PLACES = ["x.bin", "../x.bin", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", "", "case.onnx", "a/../case.onnx"]


def mutate(rng: random.Random, seed: onnx.ModelProto) -> bytes:
    """One damaged file."""
    model = onnx.ModelProto()
    model.CopyFrom(seed)
    if rng.random() < 0.8:
        for _ in range(rng.choice((1, 1, 2, 3))):
            rng.choice(PARTS)(rng, model)
        return model.SerializeToString()
    data = bytearray(model.SerializeToString())
    how = rng.randrange(4)
    at = rng.randrange(len(data))
    if how == 0:
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    elif how == 1:
        data[at:at] = rng.randbytes(rng.choice((1, 4, 8, 32)))
    elif how == 2:
        del data[at : at + rng.choice((1, 4, 8, 32))]
    else:
        del data[at:]
    return bytes(data)


def _graphs(model: onnx.ModelProto) -> list[onnx.GraphProto]:
    found = [model.graph]
    for graph in found:  # grows while it is walked over
        for node in graph.node:
            found += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return found


def _nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    inside = [node for graph in _graphs(model) for node in graph.node]
    return inside + [node for function in model.functions for node in function.node]


def _names(model: onnx.ModelProto) -> list[str]:
    graphs = _graphs(model)
    names = [name for graph in graphs for node in graph.node for name in (*node.input, *node.output)]
    return names + [weight.name for graph in graphs for weight in graph.initializer] + ["", "nowhere"]


def _rewire(rng: random.Random, model: onnx.ModelProto) -> None:
    if nodes := _nodes(model):
        node = rng.choice(nodes)
        ends = rng.choice((node.input, node.input, node.output))
        if ends:
            ends[rng.randrange(len(ends))] = rng.choice(_names(model))


def _more_or_fewer_ends(rng: random.Random, model: onnx.ModelProto) -> None:
    if nodes := _nodes(model):
        node = rng.choice(nodes)
        ends = rng.choice((node.input, node.output))
        if ends and rng.random() < 0.5:
            ends.pop()
        else:
            ends.append(rng.choice(_names(model)))


def _other_operator(rng: random.Random, model: onnx.ModelProto) -> None:
    if nodes := _nodes(model):
        node, schema = rng.choice(nodes), rng.choice(OPERATORS)
        node.op_type = schema.name
        if rng.random() < 0.3:
            del node.attribute[:]
        if rng.random() < 0.2:
            node.domain = rng.choice(DOMAINS)


def _new_node(rng: random.Random, model: onnx.ModelProto) -> None:
    graph, schema = rng.choice(_graphs(model)), rng.choice(OPERATORS)
    names = _names(model)
    inputs = [rng.choice(names) for _ in range(min(4, max(schema.min_input, rng.randint(0, 3))))]
    node = helper.make_node(schema.name, inputs, [f"new{rng.randrange(9)}" for _ in range(max(1, schema.min_output))])
    for name in rng.sample(sorted(schema.attributes), min(2, len(schema.attributes))):
        attribute = node.attribute.add()
        attribute.name = name
        _fill(rng, attribute, int(schema.attributes[name].type))
    graph.node.insert(rng.randint(0, len(graph.node)), node)
    if graph.output and rng.random() < 0.5:
        graph.output.add().name = node.output[0]


def _drop_or_repeat_node(rng: random.Random, model: onnx.ModelProto) -> None:
    graph = rng.choice(_graphs(model))
    if graph.node:
        index = rng.randrange(len(graph.node))
        if rng.random() < 0.5:
            del graph.node[index]
        else:
            graph.node.add().CopyFrom(graph.node[index])


def _change_attribute(rng: random.Random, model: onnx.ModelProto) -> None:
    attributes = [attribute for node in _nodes(model) for attribute in node.attribute]
    if attributes:
        attribute = rng.choice(attributes)
        _fill(rng, attribute, attribute.type if rng.random() < 0.8 else rng.choice((1, 2, 3, 6, 7)))


def _fill(rng: random.Random, attribute: AttributeProto, kind: int) -> None:
    name = attribute.name
    values: dict[int, object] = {
        1: rng.choice(FLOATS),
        2: rng.choice(NUMBERS),
        3: rng.choice((b"", b"nearest", b"SAME_UPPER", b"bid,bjd->bij", b"zz->z", b"x" * 999)),
        6: [rng.choice(FLOATS) for _ in range(rng.randint(0, 5))],
        7: [rng.choice(NUMBERS) for _ in range(rng.randint(0, 6))],
        8: [b"a", b""],
    }
    if kind not in values:
        attribute.type = kind
        return
    attribute.Clear()
    attribute.name, attribute.type = name, kind
    value = values[kind]
    if kind == 1:
        attribute.f = value
    elif kind == 2:
        attribute.i = value
    elif kind == 3:
        attribute.s = value
    else:
        {6: attribute.floats, 7: attribute.ints, 8: attribute.strings}[kind].extend(value)


def _change_weight(rng: random.Random, model: onnx.ModelProto) -> None:
    weights = [weight for graph in _graphs(model) for weight in graph.initializer]
    if not weights:
        return
    weight = rng.choice(weights)
    how = rng.randrange(7)
    if how == 0 and weight.dims:
        weight.dims[rng.randrange(len(weight.dims))] = rng.choice(NUMBERS)
    elif how == 1:
        weight.dims.append(rng.choice(NUMBERS))
    elif how == 2:
        weight.data_type = rng.choice((0, 2, 3, 6, 7, 8, 9, 10, 11, 14, 16, 17, 21, 22, 23, 99))
    elif how == 3:
        weight.raw_data = weight.raw_data[: rng.randint(0, len(weight.raw_data))]
    elif how == 4:
        weight.raw_data = rng.randbytes(len(weight.raw_data))
    elif how == 5:
        weight.name = rng.choice(_names(model))
    else:
        weight.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", rng.choice(PLACES)), ("offset", str(rng.choice(NUMBERS))), ("length", "64")):
            weight.external_data.add(key=key, value=value)


def _change_port(rng: random.Random, model: onnx.ModelProto) -> None:
    ports = [port for graph in _graphs(model) for port in (*graph.input, *graph.output)]
    if not ports:
        return
    port = rng.choice(ports)
    how = rng.randrange(4)
    if how == 0:
        port.name = rng.choice(_names(model))
    elif how == 1:
        port.type.tensor_type.elem_type = rng.choice((0, 1, 2, 6, 7, 8, 9, 10, 16, 99))
    elif how == 2:
        dim = port.type.tensor_type.shape.dim.add()
        dim.dim_value = rng.choice(NUMBERS)
    elif port.type.tensor_type.shape.dim:
        rng.choice(port.type.tensor_type.shape.dim).dim_value = rng.choice(NUMBERS)


def _change_versions(rng: random.Random, model: onnx.ModelProto) -> None:
    if rng.random() < 0.5:
        rng.choice(model.opset_import).version = rng.choice((0, 1, 5, 7, 9, 11, 13, 18, 21, 99, -1))
    else:
        model.ir_version = rng.choice((1, 3, 4, 7, 9, 10, 99))


def _change_function(rng: random.Random, model: onnx.ModelProto) -> None:
    if not model.functions:
        model.functions.add(name="Relu", domain="", input=["a"], output=["b"])
        model.functions[0].opset_import.add(domain="", version=17)
    function = rng.choice(model.functions)
    node = function.node.add()
    node.op_type, node.domain = rng.choice((("Twice", "own"), ("Relu", ""), ("Loop", ""), ("Add", "")))
    node.input.extend(["a"] * rng.randint(0, 3))
    node.output.append(rng.choice(("b", "c")))


def _nest(rng: random.Random, model: onnx.ModelProto) -> None:
    """A branch inside of a branch, again and again."""
    graph = onnx.GraphProto(name="n")
    for _ in range(rng.choice((1, 5, 20, 30))):
        outer = onnx.GraphProto(name="n")
        outer.node.add(op_type="If", input=["yes"], output=["w"]).attribute.add(name="then_branch", type=5).g.CopyFrom(
            graph
        )
        graph = outer
    model.graph.node.add(op_type="If", input=["yes"], output=["deep"]).attribute.add(
        name="then_branch", type=5
    ).g.CopyFrom(graph)


PARTS: list[Callable[[random.Random, onnx.ModelProto], None]] = [
    _rewire, _rewire, _more_or_fewer_ends, _other_operator, _other_operator, _new_node, _new_node, _drop_or_repeat_node,
    _change_attribute, _change_attribute, _change_weight, _change_weight, _change_port, _change_versions, _change_function, _nest,
]  # fmt: skip
