"""Uses an ONNX graph once, in a process that may die of it: ONNX Runtime crashes on some damaged graphs."""

import math
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from engine.backends.onnx.graph_session import Array
from engine.backends.onnx.native_errors import NATIVE_ERRORS, load_error
from engine.backends.onnx.providers import CPU
from engine.backends.onnx.runtime import onnxruntime
from engine.backends.onnx.session_options import session_options
from engine.errors import ModelFileError

_ERRORS: Final[tuple[type[Exception], ...]] = (*NATIVE_ERRORS, UnicodeDecodeError)  # its words may be the file's bytes
_FREE_SIDE: Final = 8
_MOST_ELEMENTS: Final = 1 << 24
_MOST_CHECKED_BYTES: Final = 1 << 30
_TYPES: Final = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
    "tensor(int8)": np.int8, "tensor(int16)": np.int16, "tensor(int32)": np.int32, "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8, "tensor(uint16)": np.uint16, "tensor(uint32)": np.uint32, "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}  # fmt: skip


def try_out(path: Path, *, words_only: bool, threads: int) -> None:
    """Check a graph, open it on the processor, and run it once with small inputs.

    A graph that refuses these inputs is none the worse for it: nobody knows here which it wants. What the standard's
    own check finds counts only then: many graphs in use break small rules (outputs without a shape, say), and run.

    Args:
        path: of the graph.
        words_only: check it, and leave its weights alone.
        threads: of the processor.

    Raises:
        EngineError: the check or ONNX Runtime refuses it.
    """
    complaint = _complaint(path)
    if words_only or not _runs(path, threads):
        _refuse(path, complaint)


def _runs(path: Path, threads: int) -> bool:
    """Open a graph and run it; whether it ran.

    Raises:
        EngineError: ONNX Runtime cannot open it.
    """
    try:
        options = session_options(CPU, None, threads)
        session = onnxruntime.InferenceSession(str(path), options, providers=[CPU.name], enable_fallback=0)
    except _ERRORS as error:
        raise load_error(path, error, "") from error
    feeds = _feeds(session.get_inputs())
    if feeds is None:
        return False
    with suppress(*NATIVE_ERRORS, ValueError):
        session.run(None, feeds)
        return True
    return False


def _complaint(path: Path) -> str:
    """What the standard's own check finds; empty if that is nothing."""
    if path.stat().st_size > _MOST_CHECKED_BYTES:
        return ""  # the check takes several times as much memory
    try:
        onnx.checker.check_model(str(path))
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")
    return ""


def _refuse(path: Path, complaint: str) -> None:
    if complaint:
        raise ModelFileError(
            f"The graph {path.name} breaks the rules of ONNX: {complaint}.",
            "Get it from its author again.",
            "onnx-checker",
        )


def _feeds(inputs: "Iterable[onnxruntime.NodeArg]") -> dict[str, Array] | None:
    """Small inputs; None if an input is no tensor of numbers, or a large one."""
    rng = np.random.default_rng(0)
    feeds: dict[str, Array] = {}
    for port in inputs:
        sides = enumerate(port.shape)
        shape = [side if isinstance(side, int) and side > 0 else _FREE_SIDE if at else 1 for at, side in sides]
        kind = _TYPES.get(port.type)
        if kind is None or math.prod(shape) > _MOST_ELEMENTS:
            return None
        feeds[port.name] = rng.integers(0, 2, shape).astype(kind)
    return feeds
