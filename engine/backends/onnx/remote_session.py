"""A graph in a device process: a provider or its driver may end that one, but not Hearth's own.

Nothing here loads ONNX Runtime.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from engine.backends.base import DeviceTarget, Whereabouts
from engine.backends.onnx.arrays import pack_feeds, unpack_arrays
from engine.backends.onnx.graph_session import Array, Assignment, TensorInfo
from engine.backends.onnx.providers import provider_named
from engine.backends.process.process import DeviceProcess
from engine.errors import DeviceLostError, EngineError
from engine.hardware import DeviceKind

WORKER: Final = "engine.backends.onnx.device_worker:DeviceWorker"

START_S: Final = 60.0
"""For Python and ONNX Runtime to start; half a second on an idle machine."""
SIGN_S: Final = 30.0
"""Longest silence while a graph is opened; the process gives a sign four times a second."""
OPEN_S: Final = 300.0
"""Longest time for a graph to open: compilers of NPUs take minutes."""
FIRST_RUN_S: Final = 60.0
"""Longest first run: some providers compile only then."""
RUN_S: Final = 8.0
"""Longest further run, unless an earlier one has taken long too; a guess that leaves two seconds to go on elsewhere."""
PATIENCE: Final = 20.0
"""How many times as long as the longest run so far a run may take, if that is more."""


class RemoteSession:
    """One graph on one device, in a process of its own; a GraphSession.

    Attributes:
        pid: of the process.
        is_compiled: whether the graph was opened from its compiled form.

    Thread: made on the loader thread, then used by one lane only.
    """

    def __init__(
        self,
        path: Path,
        threads: int,
        target: DeviceTarget,
        cache: Path | None = None,
        *,
        worker: str = WORKER,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Start the process and open the graph there.

        Args:
            path: of the file; weights kept outside it are found beside it.
            threads: CPU threads of one operator.
            target: what is to run it.
            cache: folder of compiled graphs; None compiles every time.
            worker: `module:class` of what runs in the process.
            goes_on: asked four times a second while the graph is opened; False ends that.

        Raises:
            EngineError: what `Session` raises, or `goes_on` has ended it.
            DeviceLostError: the process has crashed, or gives no sign of life.
        """
        self._path = path
        self._device = target.device
        self._longest_s: float | None = None
        self._threads = threads
        provider = provider_named(target.interface)
        what = f"{target.device} ({provider.title if provider is not None else target.interface})"
        self._process = DeviceProcess(worker, what)
        self.pid = self._process.pid
        try:
            answer = self._open(target, cache, what, goes_on)
        except BaseException:
            self._process.close()
            raise
        self.is_compiled = bool(answer["is_compiled"])
        self._memory_bytes = int(answer["memory_bytes"])
        self._inputs = _tensors(answer["inputs"])
        self._outputs = _tensors(answer["outputs"])
        self._assignment = Assignment(
            provider=str(answer["provider"]),
            title=str(answer["title"]),
            kind=DeviceKind(answer["kind"]),
            counts=MappingProxyType({str(name): int(count) for name, count in answer["counts"].items()}),
        )

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Of the graph, as it was opened."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Of the graph."""
        return self._outputs

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it runs, in full."""
        note = self._assignment.text
        return Whereabouts(
            device=self._device, interface=self._assignment.provider, process_ids=(self.pid,), note=note and f"{note}."
        )

    @property
    def assignment(self) -> Assignment:
        """Which share of it runs there."""
        return self._assignment

    @property
    def memory_bytes(self) -> int:
        """Bytes by which the process grew for the graph, at least the file's size; the device's own are not known."""
        return self._memory_bytes

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once.

        Returns:
            Its outputs, in the order of `outputs`; one that is not of numbers is empty.

        Raises:
            RequestError: the graph refuses these inputs, or fails on them.
            DeviceLostError: the process has crashed, or gives no sign of life.
            DeviceError: the device failed.
            OutOfMemoryError: the device's memory does not hold it.
        """
        heads, payloads = pack_feeds(feeds)
        within_s = FIRST_RUN_S if self._longest_s is None else max(RUN_S, PATIENCE * self._longest_s)
        started = time.perf_counter()
        answer, received = self._process.call("run", heads, payloads, within_s=within_s)
        self._longest_s = max(self._longest_s or 0.0, time.perf_counter() - started)
        self._memory_bytes = int(answer["memory_bytes"])
        return unpack_arrays(answer["outputs"], received)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on; see Session.set_threads."""
        if threads == self._threads:
            return
        self._threads = threads
        if self._process.is_alive:  # if it is gone, the next run says so
            self._process.call("threads", threads, within_s=SIGN_S)

    def close(self) -> None:
        """End the process, and with it everything that the graph took."""
        self._process.close()
        self._memory_bytes = 0

    def _open(self, target: DeviceTarget, cache: Path | None, what: str, goes_on: Callable[[], bool]) -> Any:
        self._process.call("start", within_s=START_S)
        body = {
            "path": str(self._path.absolute()),
            "threads": self._threads,
            "target": {"device": target.device, "interface": target.interface, "targets": list(target.targets)},
            "cache": str(cache.absolute()) if cache is not None else "",
        }
        deadline = time.monotonic() + OPEN_S
        stopped_by: list[EngineError] = []

        def on_told(_: float) -> bool:
            if not goes_on():
                stopped_by.append(EngineError(f"Loading {self._path.name} was cancelled."))
            elif time.monotonic() > deadline:
                stopped_by.append(DeviceLostError(f"{what} has not opened {self._path.name} within {OPEN_S:.0f} s."))
            return not stopped_by

        try:
            return self._process.call("open", body, within_s=SIGN_S, on_told=on_told)[0]
        except DeviceLostError as error:
            raise (stopped_by[0] if stopped_by else error) from error


def _tensors(body: Sequence[Sequence[Any]]) -> tuple[TensorInfo, ...]:
    return tuple(TensorInfo(str(name), tuple(shape), str(dtype)) for name, shape, dtype in body)
