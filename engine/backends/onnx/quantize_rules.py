"""Which operators of a graph become integer ones, and how: what was measured to make graphs faster, and no others.

Measured with ONNX Runtime 1.31 on a processor with VNNI, one thread, the network that reads text against its FP32 form:

- convolutions quantized while they run (ConvInteger) take 7 times as long with signed weights, and 1.4 times with
  unsigned ones; with ranges that were found before (QDQ) and unsigned activations 0.4 times as long, but with signed
  activations 1.3 times as long;
- a first convolution over one or three channels gains nothing: its input has to be put into another order first;
- Softmax over 96 classes takes 3 times as long in integers as in floats.
"""

import math
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.backends.onnx.graph_outline import Node, Outline

DYNAMIC_TYPES: Final = ("MatMul", "Gemm", "Attention", "LSTM", "Gather", "EmbedLayerNormalization")
"""Operators whose weights become 8-bit integers, and their activations while they run."""
STATIC_TYPES: Final = (
    "Conv", "ConvTranspose", "MatMul", "Gemm", "Add", "Relu", "Clip", "MaxPool", "AveragePool", "GlobalAveragePool",
    "Concat", "Pad", "Resize", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten",
)  # fmt: skip
"""Operators that compute in 8-bit integers, with ranges that were found by calibration."""
INT4_TYPES: Final = ("MatMul",)
"""Operators whose weights become 4-bit integers in blocks of 32."""

_WEIGHTY: Final = {
    "int8": frozenset(DYNAMIC_TYPES),
    "int8-static": frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"}),
    "int4": frozenset(INT4_TYPES),
}
_FEW_CHANNELS: Final = 4
_X86: Final = frozenset({"x86_64", "amd64", "i386", "i686", "x86"})


def covered_share(outline: Outline, recipe: str) -> float:
    """Of a graph's weights, which share a recipe makes smaller; 0 for a graph without weights."""
    kinds = _WEIGHTY[recipe]
    total = sum(math.prod(sides) for sides in outline.weights.values())
    taken = {name for node in outline.nodes if node.kind in kinds for name in _matrices(node, outline)}
    return sum(math.prod(outline.weights[name]) for name in taken) / total if total else 0.0


def float_nodes(outline: Outline) -> list[int]:
    """Indexes of the operators that stay in floats with a static recipe: first convolutions over few channels."""
    return [
        index
        for index, node in enumerate(outline.nodes)
        if node.kind == "Conv" and node.numbers.get("group", (1,)) == (1,) and _channels(node, outline) < _FEW_CHANNELS
    ]


def needs_reduced_range(machine: str, flags: Iterable[str] | None) -> bool:
    """Whether weights should be 7-bit integers: without VNNI, sums of two 8-bit products overflow on x86 processors.

    Args:
        machine: the instruction set, as `platform.machine()` says it.
        flags: of the processor, as Linux lists them; None if they are not known, which counts as without.
    """
    if machine.lower() not in _X86:
        return False
    return not any("vnni" in flag or flag == "amx_int8" for flag in flags or ())


def reduces_range_here() -> bool:
    """Whether weights should be 7-bit integers on this machine."""
    return needs_reduced_range(platform.machine(), _flags())


def _flags() -> list[str] | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)


def _matrices(node: Node, outline: Outline) -> list[str]:
    """The weights of an operator that are no vectors: biases stay in floats, or become 32-bit integers."""
    return [name for name in node.inputs if len(outline.weights.get(name, ())) > 1]


def _channels(node: Node, outline: Outline) -> int:
    """Input channels of a convolution; many where nobody knows."""
    sides = outline.weights.get(node.inputs[1], ()) if len(node.inputs) > 1 else ()
    return sides[1] if len(sides) > 2 else _FEW_CHANNELS
