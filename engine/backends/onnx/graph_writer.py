"""Writes small ONNX files for measurements; the `onnx` package is needed for tests only.

A protobuf message is a row of fields, each a number and a value: a whole number, or bytes after their length. That is
all that is needed here. The numbers of the fields are those of onnx.proto; tests let the real checker read the files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from engine.types import FloatArray

IR_VERSION: Final = 8
OPSET: Final = 17

_FLOAT: Final = 1
_INTS: Final = 7
_VARINT: Final = 0
_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class NewNode:
    """An operator to be written; its attributes are lists of whole numbers."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, Sequence[int]] = field(default_factory=lambda: MappingProxyType({}))


def write_graph(
    path: Path,
    nodes: Sequence[NewNode],
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
    weights: Mapping[str, FloatArray],
) -> None:
    """Write a graph of float32 tensors.

    Args:
        path: of the file.
        nodes: in an order in which they can run.
        inputs: shapes by name.
        outputs: shapes by name.
        weights: float32 arrays by name.

    Raises:
        OSError: it cannot be written.
    """
    graph = b"".join(
        (
            *(_part(1, _node(node)) for node in nodes),
            _text(2, "hearth"),
            *(_part(5, _weight(name, array)) for name, array in weights.items()),
            *(_part(11, _port(name, shape)) for name, shape in inputs.items()),
            *(_part(12, _port(name, shape)) for name, shape in outputs.items()),
        )
    )
    opset = _part(8, _number(2, OPSET))
    path.write_bytes(_number(1, IR_VERSION) + _text(2, "hearth") + _part(7, graph) + opset)


def _node(node: NewNode) -> bytes:
    parts = [_text(1, name) for name in node.inputs]
    parts += [_text(2, name) for name in node.outputs]
    parts.append(_text(4, node.kind))
    parts += [_part(5, _attribute(name, numbers)) for name, numbers in node.numbers.items()]
    return b"".join(parts)


def _attribute(name: str, numbers: Iterable[int]) -> bytes:
    return _text(1, name) + b"".join(_number(8, number) for number in numbers) + _number(20, _INTS)


def _weight(name: str, array: FloatArray) -> bytes:
    dims = b"".join(_number(1, side) for side in array.shape)
    raw = np.ascontiguousarray(array, dtype="<f4").tobytes()
    return dims + _number(2, _FLOAT) + _text(8, name) + _part(9, raw)


def _port(name: str, shape: Iterable[int]) -> bytes:
    sides = b"".join(_part(1, _number(1, side)) for side in shape)
    return _text(1, name) + _part(2, _part(1, _number(1, _FLOAT) + _part(2, sides)))


def _number(field_number: int, value: int) -> bytes:
    return _varint(field_number << 3 | _VARINT) + _varint(value)


def _text(field_number: int, value: str) -> bytes:
    return _part(field_number, value.encode())


def _part(field_number: int, value: bytes) -> bytes:
    return _varint(field_number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    if value < 0:
        raise ValueError(f"{value} is below 0")
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
