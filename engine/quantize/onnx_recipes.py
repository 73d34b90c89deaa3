"""The recipes for ONNX graphs, and which graphs they suit."""

from pathlib import Path
from typing import Final

from engine.errors import CapabilityError
from engine.quality import Recipe

INT8: Final = "int8"
INT8_STATIC: Final = "int8-static"
INT4: Final = "int4"

ONNX_RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        id=INT8_STATIC,
        name="INT8 for pictures",
        format="onnx",
        bits=8.3,
        explanation="8-bit weights and arithmetic, ranges found with pictures: for networks of convolutions.",
        needs_calibration=True,
    ),
    Recipe(
        id=INT8,
        name="INT8",
        format="onnx",
        bits=8.1,
        explanation="8-bit weights, and arithmetic with ranges found while it runs: for networks that read text.",
    ),
    Recipe(
        id=INT4,
        name="Small",
        format="onnx",
        bits=5.0,
        explanation="4-bit weights of matrices in blocks, 8-bit arithmetic: the smallest, for networks that read text.",
    ),
)
"""Finest first."""

_LEAST_SHARE: Final = 0.5
_PICTURE_SIDES: Final = 4
_INTEGERS: Final = frozenset({"QuantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "MatMulNBits"})


def check_suits(source: Path, recipe: str) -> None:
    """Make sure that a recipe makes a graph smaller; reads no weights.

    Raises:
        ModelFileError: the graph is damaged.
        CapabilityError: it does not; says why, and what does.
    """
    from engine.backends.onnx.graph_outline import read_outline
    from engine.backends.onnx.quantize_rules import covered_share
    from engine.models.onnx import read_onnx_header

    outline, header = read_outline(source), read_onnx_header(source)
    if header.data_type != "F32" or any(node.kind in _INTEGERS for node in outline.nodes):
        raise CapabilityError(
            f"{source.name} is not in 32-bit floats, from which alone a graph can be quantized.",
            "Choose its source in F32.",
        )
    if recipe == INT8_STATIC and all(len(port.shape) != _PICTURE_SIDES for port in header.inputs):
        raise CapabilityError(
            f"{source.name} does not look at pictures, and {recipe} finds its ranges with pictures.",
            f"Choose {INT8} or {INT4}.",
        )
    share = covered_share(outline, recipe)
    if share < _LEAST_SHARE:
        others = [it for it in (INT8_STATIC, INT8, INT4) if covered_share(outline, it) >= _LEAST_SHARE]
        raise CapabilityError(
            f"The recipe {recipe} would make only {share:.0%} of the weights of {source.name} smaller.",
            f"Choose {' or '.join(others)}." if others else "It is best used as it is.",
        )


def suits(source: Path, recipe: str) -> bool:
    """Whether a recipe makes a graph smaller.

    Raises:
        ModelFileError: the graph is damaged.
    """
    try:
        check_suits(source, recipe)
    except CapabilityError:
        return False
    return True
