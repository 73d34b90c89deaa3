"""About how much arithmetic a graph does, guessed from its file: it orders devices until a real run has been timed.

Each weight of a product or a convolution is used once per row, or per place of the output. How many those are follows
from the shapes of the inputs, which are carried through the graph by a few rules: convolutions and pools shrink a
picture, products change its channels, most operators leave a tensor's size as it is. No shape is computed at run time,
so what depends on one is off.

How good it is: exact for chains of convolutions, pools and products whose inputs have fixed sides; within a factor of
two for most networks for pictures. Where sides are free their lengths are assumed, and the guess is off as the
assumption is. Products of two activations (attention), loops and branches count as nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.backends.onnx.graph_outline import Node, Outline, Side, read_outline

ASSUMED_SIDE: Final = 224
"""Of a picture, in pixels, where it is free. A guess."""
ASSUMED_LENGTH: Final = 32
"""Of a text, in tokens, where it is free. A guess."""

_CONVOLUTIONS: Final = frozenset({"Conv", "ConvInteger", "QLinearConv", "FusedConv"})
_PRODUCTS: Final = frozenset({"MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "FusedGemm"})
_POOLS: Final = frozenset({"MaxPool", "AveragePool", "LpPool"})
_WHOLE: Final = frozenset({"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"})
_AXES: Final = frozenset({"ReduceMean", "ReduceMax", "ReduceSum"})
_LOSES_PLACE: Final = frozenset({"Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze"})
_WEIGHT_AT: Final = {"QLinearConv": 3, "QLinearMatMul": 3}
_PASSES_WEIGHT: Final = frozenset({"DequantizeLinear", "QuantizeLinear", "Cast", "Identity", "Transpose"})


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What is known of a tensor: how many elements it has and, of a picture, its channels and sides."""

    elements: int
    channels: int = 0
    places: tuple[int, ...] = ()


def estimated_flops(path: Path, rows: int = 1) -> int:
    """Guess the floating-point operations of one run; a multiplication and an addition are two.

    Args:
        path: of the graph.
        rows: length of free first sides, which are a batch.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is not ONNX, damaged, or larger than any graph should be.
    """
    return _Walk(read_outline(path), rows).operations()


def largest_tensor(outline: Outline, rows: int = 1) -> int:
    """Elements of the largest tensor that a run makes, guessed likewise.

    Args:
        outline: of the graph.
        rows: length of free first sides, which are a batch.
    """
    walk = _Walk(outline, rows)
    walk.operations()
    return walk.largest


class _Walk:
    """Carries sizes of tensors through a graph and adds up what its operators do."""

    def __init__(self, outline: Outline, rows: int) -> None:
        self._nodes = outline.nodes
        self._weights = dict(outline.weights)
        self._tensors = {name: _input(sides, rows) for name, sides in outline.inputs.items()}

    @property
    def largest(self) -> int:
        return max((tensor.elements for tensor in self._tensors.values()), default=0)

    def operations(self) -> int:
        return sum(self._step(node) for node in self._nodes)

    def _step(self, node: Node) -> int:
        """Note the outputs of an operator; returns its operations."""
        if node.kind in _PASSES_WEIGHT and node.inputs and node.inputs[0] in self._weights:
            shape = self._weights[node.inputs[0]]
            shape = shape[::-1] if node.kind == "Transpose" and len(shape) == 2 else shape
            self._weights |= dict.fromkeys(node.outputs, shape)
            return 0
        given = [self._tensors[name] for name in node.inputs if name in self._tensors]
        done, made = self._work(node, given)
        if made is not None:
            self._tensors |= dict.fromkeys(node.outputs, made)
        return done

    def _work(self, node: Node, given: Sequence[_Tensor]) -> tuple[int, _Tensor | None]:
        weight = self._weight(node)
        if not given:
            return 0, None
        first = given[0]
        if node.kind in _CONVOLUTIONS and weight:
            return _convolution(node, first, weight)
        if node.kind == "ConvTranspose" and weight:
            return _transposed(node, first, weight)
        if node.kind in _PRODUCTS and weight:
            return _product(node, first, weight)
        if node.kind == "Gather" and node.inputs[0] in self._weights:
            width = math.prod(self._weights[node.inputs[0]][1:])
            return 0, _Tensor(first.elements * width)
        return 0, _plain(node, given)

    def _weight(self, node: Node) -> tuple[int, ...]:
        """Shape of the weight that a product or convolution multiplies with; empty if it has none."""
        at = _WEIGHT_AT.get(node.kind, 1)
        names = [*node.inputs[at : at + 1], *node.inputs[:1]]
        return next((self._weights[name] for name in names if len(self._weights.get(name, ())) > 1), ())


def _input(sides: Sequence[Side], rows: int) -> _Tensor:
    """A tensor that the graph is fed, free sides assumed."""
    is_picture = len(sides) == 4
    assumed = ASSUMED_SIDE if is_picture else ASSUMED_LENGTH
    lengths = [side if isinstance(side, int) else (rows if axis == 0 else assumed) for axis, side in enumerate(sides)]
    elements = math.prod(lengths)
    if not is_picture:
        return _Tensor(elements)
    if lengths[3] <= 4 < lengths[1]:  # channels last
        return _Tensor(elements, lengths[3], (lengths[1], lengths[2]))
    return _Tensor(elements, lengths[1], (lengths[2], lengths[3]))


def _convolution(node: Node, first: _Tensor, weight: tuple[int, ...]) -> tuple[int, _Tensor]:
    out, per_group = weight[0], math.prod(weight[1:])
    places = _shrunk(node, first.places, node.numbers.get("kernel_shape", weight[2:]))
    batch = _batch(first)
    made = batch * out * math.prod(places or (1,))
    return 2 * per_group * made, _Tensor(made, out, places)


def _transposed(node: Node, first: _Tensor, weight: tuple[int, ...]) -> tuple[int, _Tensor]:
    out = weight[1] * node.numbers.get("group", (1,))[0]
    strides = node.numbers.get("strides", (1,) * len(first.places))
    places = tuple(side * stride for side, stride in zip(first.places, strides, strict=False))
    made = _batch(first) * out * math.prod(places or (1,))
    return 2 * math.prod(weight[1:]) * first.elements, _Tensor(made, out, places)


def _product(node: Node, first: _Tensor, weight: tuple[int, ...]) -> tuple[int, _Tensor]:
    inner, outer = weight[-2:]
    if node.numbers.get("transB", (0,))[0]:
        inner, outer = outer, inner
    rows = max(1, first.elements // max(1, inner))
    return 2 * rows * inner * outer, _Tensor(rows * outer)


def _plain(node: Node, given: Sequence[_Tensor]) -> _Tensor:
    """The output of an operator that multiplies no weights."""
    largest = max(given, key=lambda tensor: tensor.elements)
    first = given[0]
    if node.kind in _POOLS and first.places:
        places = _shrunk(node, first.places, node.numbers.get("kernel_shape", ()))
        return _Tensor(_batch(first) * first.channels * math.prod(places), first.channels, places)
    if node.kind in _WHOLE or (node.kind in _AXES and first.places):
        return _Tensor(_batch(first) * max(1, first.channels), first.channels, ())
    if node.kind == "Concat":
        beside = node.numbers.get("axis", (0,))[0] == 1
        channels = sum(tensor.channels for tensor in given) if beside else first.channels
        return _Tensor(sum(tensor.elements for tensor in given), channels, first.places)
    if node.kind == "Split":
        parts = max(1, len(node.outputs))
        return replace(first, elements=first.elements // parts, channels=first.channels // parts)
    if node.kind == "Shape":
        return _Tensor(4)
    if node.kind in _LOSES_PLACE:
        return _Tensor(first.elements)
    return largest


def _shrunk(node: Node, places: tuple[int, ...], kernel: Sequence[int]) -> tuple[int, ...]:
    """Sides of a picture after a window has gone over it."""
    axes = len(places)
    numbers: Mapping[str, tuple[int, ...]] = node.numbers
    strides = numbers.get("strides", (1,) * axes)
    dilations = numbers.get("dilations", (1,) * axes)
    pads = numbers.get("pads", (0,) * 2 * axes)
    is_same = node.texts.get("auto_pad", "").startswith("SAME")
    if min(len(kernel), len(strides), len(dilations), len(pads) // 2) < axes:
        return places
    sides = []
    for axis, side in enumerate(places):
        window = (kernel[axis] - 1) * dilations[axis] + 1
        stride = max(1, strides[axis])
        padded = side + pads[axis] + pads[axis + axes]
        sides.append(-(-side // stride) if is_same else max(1, (padded - window) // stride + 1))
    return tuple(sides)


def _batch(tensor: _Tensor) -> int:
    return max(1, tensor.elements // max(1, tensor.channels * math.prod(tensor.places or (1,))))
