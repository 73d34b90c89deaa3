"""What a graph in memory looks like to the models that are built on it, wherever it runs.

Nothing here loads ONNX Runtime: a graph that runs in a device process needs none of it in Hearth's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from numpy.typing import NDArray

from engine.backends.base import Whereabouts
from engine.hardware import DeviceKind

Array = NDArray[Any]

_PLACES = {DeviceKind.CPU: "processor", DeviceKind.GPU: "graphics processor", DeviceKind.NPU: "NPU"}


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a graph; `shape` has None where a side is free."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which share of a graph runs on the device it was opened for.

    What counts is operators, after ONNX Runtime has simplified the graph, and not the time that they take.

    Attributes:
        provider: name of the execution provider that was asked to run the graph.
        title: of the provider, for people.
        kind: of the device.
        counts: operators by name of the execution provider that took them; empty if nobody has counted.
    """

    provider: str
    title: str
    kind: DeviceKind
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> int:
        """Operators of the graph."""
        return sum(self.counts.values())

    @property
    def on_device(self) -> int:
        """Operators that run on the device."""
        return self.counts.get(self.provider, 0)

    @property
    def share(self) -> float:
        """Of the operators, those on the device, in [0, 1]."""
        return self.on_device / self.total if self.total else 0.0

    @property
    def text(self) -> str:
        """The share in one sentence, without its full stop; empty if nobody has counted."""
        if not self.total:
            return ""
        word = "operator" if self.total == 1 else "operators"
        place = f"with {self.title}" if self.kind is DeviceKind.CPU else f"on the {_PLACES[self.kind]}"
        rest = self.total - self.on_device
        if not rest:
            return f"All {self.total:,} {word} {place}" if self.total > 1 else f"The only operator {place}"
        elsewhere = "without it" if self.kind is DeviceKind.CPU else "on the processor"
        return f"{self.on_device:,} of {self.total:,} {word} {place}, {rest:,} {elsewhere}"


class GraphSession(Protocol):
    """One graph on one device.

    Thread: made on the loader thread, then used by one lane only.
    """

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Of the graph, as it was opened: a side that was fixed for the device is a number."""

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Of the graph."""

    @property
    def device(self) -> str:
        """Where it runs: `cpu`, `gpu:N` or `npu:N`."""

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it runs, in full."""

    @property
    def memory_bytes(self) -> int:
        """Bytes that it takes, at least the file's size; 0 when it is closed."""

    @property
    def assignment(self) -> Assignment:
        """Which share of it runs there."""

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once.

        Returns:
            Its outputs, in the order of `outputs`.

        Raises:
            RequestError: the graph refuses these inputs, or fails on them; the session is fine.
            DeviceLostError: the device or its process is gone; the session must be closed.
            DeviceError: the device failed; the session must be closed.
            OutOfMemoryError: the device's memory does not hold it.
        """

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on, where that can be changed cheaply."""

    def close(self) -> None:
        """Free the graph; it must not be run again. Safe to call twice."""
