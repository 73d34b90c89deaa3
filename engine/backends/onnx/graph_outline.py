"""What a graph is made of: operators, shapes of weights, names of free sides. The weights themselves are not read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import EngineError, ModelFileError, ModelNotFoundError
from engine.models.protobuf import BYTES, VARINT, Field, Protobuf

MOST_NODES: Final = 1 << 17
MOST_SIDES: Final = 16

Side = int | str | None
"""A length, the name of a free side, or None where it is free and has no name."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operator.

    Attributes:
        kind: its type, without the domain.
        inputs: names of tensors; empty for one that is left out.
        outputs: names of tensors.
        numbers: attributes that are whole numbers, or lists of them.
        texts: attributes that are short texts.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    numbers: Mapping[str, tuple[int, ...]]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outline:
    """A graph without its weights.

    Attributes:
        nodes: in the order of the file, those inside of loops and branches left out.
        weights: shapes by name, constants included.
        inputs: sides by name, weights left out.
        outputs: sides by name.
        locations: names of the files beside it that hold weights.
    """

    nodes: tuple[Node, ...]
    weights: Mapping[str, tuple[int, ...]]
    inputs: Mapping[str, tuple[Side, ...]]
    outputs: Mapping[str, tuple[Side, ...]]
    locations: frozenset[str] = frozenset()


def read_outline(path: Path) -> Outline:
    """Walk over an ONNX file without reading its weights.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is not ONNX, damaged, or larger than any graph should be.
    """
    try:
        with path.open("rb") as file:
            return _Reader(Protobuf(path, file, path.stat().st_size)).outline()
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no file {path}.", "Check the path.") from error
    except OSError as error:
        raise ModelFileError(f"The file {path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def is_qdq(path: Path) -> bool:
    """Whether a graph is quantized statically (QDQ): what NPUs want. False for what cannot be read.

    Such a graph rounds its activations between operators; one that has only its weights stored as integers does not.
    """
    try:
        kinds = {node.kind for node in read_outline(path).nodes}
    except EngineError:
        return False
    return {"QuantizeLinear", "DequantizeLinear"} <= kinds


def batch_sides(outline: Outline) -> dict[str, int]:
    """The free sides that are a batch, each with the length 1 that it gets on a device that wants fixed shapes.

    That is the first side of an input, if it has a name that is no other side's too. Every other side stays as it is:
    Hearth cannot know how large a picture or how long a text will be. A side without a name cannot be fixed.
    """
    first = {sides[0] for sides in outline.inputs.values() if sides and isinstance(sides[0], str)}
    ports = [*outline.inputs.values(), *outline.outputs.values()]
    others = {side for sides in outline.inputs.values() for side in sides[1:]}
    others |= {side for sides in ports for side in sides if sides.count(side) > 1}
    return {side: 1 for side in sorted(first - others) if isinstance(side, str)}


class _Reader:
    """One walk over a ModelProto; the numbers are those of onnx.proto."""

    def __init__(self, proto: Protobuf) -> None:
        self._proto = proto
        self._nodes: list[Node] = []
        self._weights: dict[str, tuple[int, ...]] = {}
        self._inputs: dict[str, tuple[Side, ...]] = {}
        self._outputs: dict[str, tuple[Side, ...]] = {}
        self._locations: set[str] = set()

    def outline(self) -> Outline:
        for part in self._proto.fields(0, self._proto.size):
            if part.number == 7 and part.kind == BYTES:
                self._graph(part)
        if not self._nodes and not self._outputs:
            raise self._proto.damaged("it has no graph")
        inputs = {name: sides for name, sides in self._inputs.items() if name not in self._weights}
        return Outline(tuple(self._nodes), self._weights, inputs, self._outputs, frozenset(self._locations))

    def _graph(self, message: Field) -> None:
        for part in self._proto.fields(message.start, message.end):
            if part.kind != BYTES:
                continue
            if part.number == 1:
                self._nodes.append(self._node(part))
                if len(self._nodes) > MOST_NODES:
                    raise self._proto.damaged(f"it has more than {MOST_NODES:,} operators")
            elif part.number == 5:
                name, dims = self._tensor(part)
                self._weights[name] = dims
            elif part.number in {11, 12}:
                name, sides = self._port(part)
                (self._inputs if part.number == 11 else self._outputs)[name] = sides

    def _node(self, message: Field) -> Node:
        inputs, outputs, kind = list[str](), list[str](), ""
        numbers: dict[str, tuple[int, ...]] = {}
        texts: dict[str, str] = {}
        constant: tuple[int, ...] | None = None
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                inputs.append(self._proto.text(part))
            elif part.number == 2:
                outputs.append(self._proto.text(part))
            elif part.number == 4:
                kind = self._proto.text(part)
            elif part.number == 5:
                constant = self._attribute(part, numbers, texts) or constant
        if kind == "Constant" and constant is not None and outputs:
            self._weights[outputs[0]] = constant
        return Node(kind, tuple(inputs), tuple(outputs), numbers, texts)

    def _attribute(
        self, message: Field, numbers: dict[str, tuple[int, ...]], texts: dict[str, str]
    ) -> tuple[int, ...] | None:
        """Keep an attribute; returns the shape of a tensor."""
        name, ints, dims = "", list[int](), None
        text = None
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                name = self._proto.text(part)
            elif part.number in {3, 8}:
                ints += self._ints(part)
            elif part.number == 4 and part.end - part.start <= 32:
                text = self._proto.text(part)
            elif part.number == 5:
                dims = self._tensor(part)[1]
        if ints:
            numbers[name] = tuple(ints)
        if text is not None:
            texts[name] = text
        return dims

    def _tensor(self, message: Field) -> tuple[str, tuple[int, ...]]:
        name, dims = "", list[int]()
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                dims += self._ints(part)
            elif part.number == 8:
                name = self._proto.text(part)
            elif part.number == 13:
                entry = {field.number: self._proto.text(field) for field in self._proto.fields(part.start, part.end)}
                if entry.get(1) == "location":
                    self._locations.add(entry.get(2, ""))
        return name, tuple(max(0, dim) for dim in dims)

    def _port(self, message: Field) -> tuple[str, tuple[Side, ...]]:
        name, sides = "", list[Side]()
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1:
                name = self._proto.text(part)
            elif part.number == 2:
                for kind in self._proto.fields(part.start, part.end):
                    if kind.number == 1:
                        sides = self._sides(kind)
        return name, tuple(sides)

    def _sides(self, tensor: Field) -> list[Side]:
        sides: list[Side] = []
        for part in self._proto.fields(tensor.start, tensor.end):
            if part.number == 2:
                for dim in self._proto.fields(part.start, part.end):
                    sides.append(self._side(dim))
                    if len(sides) > MOST_SIDES:
                        raise self._proto.damaged("an input or output has an impossible shape")
        return sides

    def _side(self, message: Field) -> Side:
        side: Side = None
        for part in self._proto.fields(message.start, message.end):
            if part.number == 1 and part.kind == VARINT and 0 < part.value < 1 << 48:
                side = part.value
            elif part.number == 2 and part.kind == BYTES:
                side = self._proto.text(part) or None
        return side

    def _ints(self, part: Field) -> list[int]:
        """Whole numbers, packed or one by one; a negative one is stored as its complement."""
        values: list[int] = []
        if part.kind == VARINT:
            values.append(part.value)
        elif part.kind == BYTES:
            at = part.start
            while at < part.end and len(values) <= MOST_SIDES:
                value, at = self._proto.varint(at, part.end)
                values.append(value)
        return [value - (1 << 64) if value >= 1 << 63 else value for value in values]
