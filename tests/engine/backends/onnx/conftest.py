"""Graphs that OpenVINO takes whole, in part or not at all, and sessions on its CPU device."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from engine.backends.base import DeviceTarget
from engine.backends.onnx.remote_session import RemoteSession
from engine.backends.process.process import DeviceProcess
from tests.engine.backends.onnx.poked import OPENVINO, WORKER

SIDE = 16
RNG = np.random.default_rng(0)
WEIGHTS = {
    "w1": RNG.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.2,
    "w2": RNG.standard_normal((8, 8, 3, 3)).astype(np.float32) * 0.1,
    "last": RNG.standard_normal((8, 4)).astype(np.float32),
}

MakeGraph = Callable[..., Path]
OpenGraph = Callable[..., RemoteSession]


@pytest.fixture
def network(save_graph: Callable[..., Path]) -> MakeGraph:
    """Write a small network for pictures; `split` puts an operator into it that OpenVINO leaves to the processor."""

    def make(*, batch: int | str = "n", split: bool = False, name: str = "model.onnx", **card: Any) -> Path:
        nodes = [
            helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["a"], ["b"]),
        ]
        if split:
            nodes.append(helper.make_node("LpPool", ["b"], ["p"], kernel_shape=[2, 2], strides=[2, 2]))
        nodes += [
            helper.make_node("Conv", ["p" if split else "b", "w2"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("GlobalAveragePool", ["c"], ["d"]),
            helper.make_node("Flatten", ["d"], ["e"]),
            helper.make_node("MatMul", ["e", "last"], ["y"]),
        ]
        inputs = {"x": (TensorProto.FLOAT, [batch, 3, SIDE, SIDE])}
        return save_graph(nodes, inputs, {"y": [batch, 4]}, WEIGHTS, card or None, name=name)

    return make


@pytest.fixture
def picture() -> np.ndarray:
    """What the network is fed: float32, shape (1, 3, SIDE, SIDE)."""
    return np.random.default_rng(1).standard_normal((1, 3, SIDE, SIDE), dtype=np.float32)


@pytest.fixture(scope="session")
def openvino() -> DeviceTarget:
    """The target of OpenVINO's CPU device, as the list of devices gives it."""
    process = DeviceProcess(WORKER, "the test")
    try:
        [device] = process.call("reached", OPENVINO, within_s=60)[0]
    finally:
        process.close()
    assert device["fault"] == ""
    return DeviceTarget(device="cpu", interface=device["interface"], targets=(device["target"],))


@pytest.fixture
def on_openvino(openvino: DeviceTarget) -> Iterator[OpenGraph]:
    """Open graphs on OpenVINO's CPU device, in processes that end with the test."""
    sessions: list[RemoteSession] = []

    def open_graph(path: Path, threads: int = 1, target: DeviceTarget = openvino, **options: Any) -> RemoteSession:
        sessions.append(RemoteSession(path, threads, target, **{"worker": WORKER, **options}))
        return sessions[-1]

    yield open_graph
    for session in sessions:
        session.close()
