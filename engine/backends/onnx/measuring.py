"""How fast a device runs graphs, measured with two that do nothing but arithmetic that is known by construction.

A run takes `overhead + operations / rate`. Two graphs of the same kind, one with many times the operations of the
other, give both numbers. They are convolutions, because pictures are what graphs are mostly for, and a product of
matrices at the end.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engine.backends.base import DeviceTarget
from engine.backends.onnx.graph_session import Array, GraphSession
from engine.backends.onnx.graph_writer import NewNode, write_graph
from engine.backends.onnx.opening import open_session

OpenGraph = Callable[[Path, int, DeviceTarget], GraphSession]

WARM_UPS: Final = 2
FEWEST_RUNS: Final = 5
MOST_RUNS: Final = 200


@dataclass(frozen=True, slots=True)
class GraphSize:
    """A graph for measurements: convolutions of 3 x 3 over a square picture, then one product.

    Attributes:
        side: of the picture in pixels.
        channels: of every layer but the first, which has 3.
        layers: convolutions.
        classes: outputs of the product.
    """

    side: int
    channels: int
    layers: int
    classes: int = 256

    @property
    def operations(self) -> int:
        """Floating-point operations of a run; a multiplication and an addition are two."""
        first = 2 * 9 * 3 * self.channels * self.side**2
        further = 2 * 9 * self.channels**2 * self.side**2 * (self.layers - 1)
        return first + further + 2 * self.channels * self.classes


SMALL: Final = GraphSize(side=16, channels=16, layers=3)
LARGE: Final = GraphSize(side=64, channels=64, layers=6)
"""1.5 billion operations: tens of milliseconds on one core, a few on a graphics processor."""


@dataclass(frozen=True, slots=True)
class GraphSpeed:
    """What was measured.

    Attributes:
        flops_per_s: floating-point operations per second.
        overhead_s: time that a run costs beside its arithmetic, the way to another process and back included.
        share: of the operators, those that ran on the device, in [0, 1].
    """

    flops_per_s: float
    overhead_s: float
    share: float


def measure_graph(
    target: DeviceTarget, threads: int, budget_s: float = 2.0, open_graph: OpenGraph = open_session
) -> GraphSpeed:
    """Measure how fast a target runs graphs, as models would run on it: elsewhere than here, if it is a device.

    Thread: one that may block; takes `budget_s` and the time that it takes to open two small graphs.

    Args:
        target: what to measure.
        threads: CPU threads of one operator.
        budget_s: seconds to spend on runs.
        open_graph: opens a graph on a target.

    Raises:
        EngineError: as GraphSession, where it opens and where it runs.
        OSError: the small graphs cannot be written.
    """
    rng = np.random.default_rng(0)
    times: list[float] = []
    share = 1.0
    with tempfile.TemporaryDirectory(prefix="hearth-measure-", ignore_cleanup_errors=True) as folder:
        for size in (SMALL, LARGE):
            path = Path(folder, f"{size.side}.onnx")
            write_measured_graph(path, size)
            session = open_graph(path, threads, target)
            try:
                share = min(share, session.assignment.share)
                picture = rng.standard_normal((1, 3, size.side, size.side), dtype=np.float32)
                times.append(_seconds(session, {"x": picture}, budget_s / 2))
            finally:
                session.close()
    small_s, large_s = times
    # A busy machine can make the small graph look slower than the large one: then the large one alone is the rate.
    extra_s = large_s - small_s
    rate = (LARGE.operations - SMALL.operations) / extra_s if extra_s > 0 else LARGE.operations / large_s
    return GraphSpeed(rate, max(0.0, small_s - SMALL.operations / rate), share)


def write_measured_graph(path: Path, size: GraphSize) -> None:
    """Write a graph whose arithmetic is known.

    Input `x`: float32, shape (1, 3, side, side). Output `y`: float32, shape (1, classes).

    Raises:
        OSError: it cannot be written.
    """
    rng = np.random.default_rng(1)
    nodes: list[NewNode] = []
    weights: dict[str, Array] = {}
    channels, value = 3, "x"
    for layer in range(size.layers):
        shape = (size.channels, channels, 3, 3)
        weights[f"w{layer}"] = rng.standard_normal(shape, dtype=np.float32) / np.float32(3 * channels**0.5)
        nodes.append(NewNode("Conv", (value, f"w{layer}"), (f"c{layer}",), {"pads": (1, 1, 1, 1)}))
        nodes.append(NewNode("Relu", (f"c{layer}",), (f"r{layer}",)))
        channels, value = size.channels, f"r{layer}"
    weights["last"] = rng.standard_normal((channels, size.classes), dtype=np.float32) / np.float32(channels**0.5)
    nodes.append(NewNode("GlobalAveragePool", (value,), ("pooled",)))
    nodes.append(NewNode("Flatten", ("pooled",), ("flat",)))
    nodes.append(NewNode("MatMul", ("flat", "last"), ("y",)))
    write_graph(path, nodes, {"x": (1, 3, size.side, size.side)}, {"y": (1, size.classes)}, weights)


def _seconds(session: GraphSession, feeds: dict[str, Array], budget_s: float) -> float:
    """Median time of a run, as often as the budget allows."""
    for _ in range(WARM_UPS):
        session.run(feeds)
    taken: list[float] = []
    over_at = time.perf_counter() + budget_s
    while len(taken) < FEWEST_RUNS or (time.perf_counter() < over_at and len(taken) < MOST_RUNS):
        started = time.perf_counter()
        session.run(feeds)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
