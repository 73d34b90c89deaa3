"""Shared by all tests: Qt draws off the screen; small ONNX graphs whose answers are known, run by the real runtime."""

import io
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import onnx

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Tests of devices say which ones; all others find the same processor on every machine, and ask nobody.
os.environ["HEARTH_DEVICES"] = "cpu"
# Tests of other programs' folders make their own; all others see none of the machine's.
os.environ["HEARTH_FOREIGN_HOME"] = os.devnull

SaveGraph = Callable[..., Path]


@pytest.fixture
def save_graph(tmp_path: Path) -> SaveGraph:
    """Write a graph (and its card, if given) and return its path."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def save(
        nodes: "Sequence[onnx.NodeProto]",
        inputs: dict[str, tuple[int, list[Any]]],
        outputs: dict[str, list[Any]],
        weights: dict[str, np.ndarray] | None = None,
        card: dict[str, Any] | None = None,
        opset: int = 17,
        notes: dict[str, str] | None = None,
        name: str = "model.onnx",
    ) -> Path:
        graph = helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            [numpy_helper.from_array(values, name) for name, values in (weights or {}).items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        helper.set_model_props(model, notes or {})
        path = tmp_path / name
        onnx.save(model, path)
        if card is not None:
            path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
        return path

    return save


@pytest.fixture
def colour_model(save_graph: SaveGraph) -> Callable[..., Path]:
    """Write a classifier whose three scores are ten times the mean of the red, green and blue channel."""
    from onnx import TensorProto, helper

    def make(
        *, layout: str = "NCHW", batch: int | str = "n", side: int | str = 8, softmax: bool = False, **card: Any
    ) -> Path:
        axes = [2, 3] if layout == "NCHW" else [1, 2]
        shape = [batch, 3, side, side] if layout == "NCHW" else [batch, side, side, 3]
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["means"], axes=axes, keepdims=0),
            helper.make_node("Mul", ["means", "ten"], ["scores"]),
        ]
        if softmax:
            nodes.append(helper.make_node("Softmax", ["scores"], ["y"], axis=1))
        else:
            nodes[-1].output[0] = "y"
        full = {"task": "classification", "labels": ["red", "green", "blue"], "layout": layout, "size": [8, 8]}
        full |= {"mean": [0, 0, 0], "std": [1, 1, 1], "resize": "stretch"} | card
        weights = {"ten": np.array(10.0, np.float32)}
        return save_graph(nodes, {"x": (TensorProto.FLOAT, shape)}, {"y": [batch, 3]}, weights, full)

    return make


@pytest.fixture
def load() -> Callable[..., Any]:
    """Load an ONNX file with the real backend; every model is closed after the test."""
    from engine.backends.base import LoadOptions
    from engine.backends.onnx import OnnxBackend
    from engine.models.onnx import describe

    models: list[Any] = []

    def open_model(path: Path, registry: Any = None, **options: Any) -> Any:
        models.append(OnnxBackend(registry).load(describe(path, "test"), LoadOptions(**options), lambda _: True))
        return models[-1]

    yield open_model
    for model in models:
        model.close()


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Encode a plain image, PNG unless told otherwise."""
    from PIL import Image

    def encode(
        colour: Any, size: tuple[int, int] = (20, 10), mode: str = "RGB", kind: str = "PNG", **how: Any
    ) -> bytes:
        file = io.BytesIO()
        Image.new(mode, size, colour).save(file, kind, **how)
        return file.getvalue()

    return encode


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start; a shell starts its background jobs without it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
