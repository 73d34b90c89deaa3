"""A graph in this process's memory, ready to run on the processor or on a device of a provider.

Why the file is opened by path and needs no tricks: ONNX Runtime lets other threads run while it reads and prepares a
file, but not while it takes the same model from bytes. Measured with a 403 MB model on two busy cores (longest pause
of a thread that ticks every millisecond while the session is made): by path 4 to 9 ms, with or without optimisation;
from bytes 251 ms; an ORT-format file used in place 263 ms. Saving the optimised graph for the next time made the first
load three times as long and the next no shorter, so for the processor nothing is cached; what a device's compiler makes
of a graph is (`compiled.py`). ONNX Runtime 1.24, the newest that there is with DirectML, does not let them run while it
reads the file, only while it prepares it: 200 to 280 ms for a 201 MB model.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import psutil

from engine.backends.base import CPU_TARGET, DeviceTarget, Whereabouts
from engine.backends.onnx.compiled import compiled_model, discard
from engine.backends.onnx.devices import FoundDevice, find
from engine.backends.onnx.graph_outline import Outline, batch_sides, read_outline
from engine.backends.onnx.graph_session import Array, Assignment, TensorInfo
from engine.backends.onnx.native_errors import NATIVE_ERRORS, load_error, reason_of, run_error
from engine.backends.onnx.providers import CPU, CPU_INTERFACES
from engine.backends.onnx.runtime import onnxruntime
from engine.backends.onnx.session_options import providers_by_name, session_options
from engine.errors import DeviceError, EngineError, ModelFileError
from engine.hardware import DeviceKind

log = logging.getLogger(__name__)

REOPEN_WITHIN_S = 0.1
"""A session that was made this fast is made again to change its threads; ONNX Runtime has no other way."""
CLOCK_S = 2.0
"""Coarsest clock of a file system."""


class Session:
    """One graph on one device, in this process; a GraphSession.

    Thread: made on the loader thread, then used by one lane only.
    """

    def __init__(self, path: Path, threads: int, target: DeviceTarget = CPU_TARGET, cache: Path | None = None) -> None:
        """Open a graph.

        On a device that wants fixed shapes the batch gets the length 1 (`graph_outline.batch_sides`).

        Args:
            path: of the file; weights kept outside it are found beside it.
            threads: CPU threads of one operator.
            target: what is to run it.
            cache: folder of compiled graphs; None compiles every time.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is broken, too new, or uses operators that ONNX Runtime does not have.
            OutOfMemoryError: it does not fit.
            DeviceError: the provider is not there or refuses the graph, or no operator of it would run on the device.
            DeviceLostError: the device is not there any more.
        """
        _check_name(path)
        self._path = path
        self._target = target
        self._found = _find(target)
        self._threads = threads
        self._sides: Mapping[str, int] = {}
        self._file = path
        self._place = f"{self._found.provider.title} on {target.device}" if self._found is not None else ""
        before = _resident_bytes()
        started = time.perf_counter()
        self._native: Any = self._open_first(cache)
        self._open_s = time.perf_counter() - started
        self._assignment = self._assigned()
        if self._found is not None and not self._assignment.on_device:
            self.close()
            raise DeviceError(f"{self._place} can run no operator of {path.name}.", "It can run on the processor.")
        self._weights_bytes = max(path.stat().st_size, _resident_bytes() - before)
        self._arena_bytes = 0
        self._inputs = tuple(_describe(node) for node in self._native.get_inputs())
        self._outputs = tuple(_describe(node) for node in self._native.get_outputs())

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
        return self._target.device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it runs, in full."""
        note = self._assignment.text if self._found is not None else ""  # all of it, on the processor's own provider
        return Whereabouts(device=self.device, interface=self._assignment.provider, note=note and f"{note}.")

    @property
    def assignment(self) -> Assignment:
        """Which share of it runs there."""
        return self._assignment

    @property
    def is_compiled(self) -> bool:
        """Whether it was opened from its compiled form."""
        return self._file != self._path

    @property
    def memory_bytes(self) -> int:
        """Bytes by which this process grew when the graph was opened and while it ran, at least the file's size."""
        return self._weights_bytes + self._arena_bytes

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on, if the graph opens within REOPEN_WITHIN_S.

        ONNX Runtime fixes the number when a session is made. A larger graph keeps its threads: they sleep when they
        have nothing to do and take work in small pieces, so a core that another program uses delays only its piece.
        A graph on a device that is not the processor keeps them too, since they have next to nothing to do there.
        """
        if threads == self._threads or self._open_s > REOPEN_WITHIN_S or self._native is None:
            return
        if self._found is not None and self._found.kind is not DeviceKind.CPU:
            return
        self._threads = threads
        try:
            self._native = self._open()
        except EngineError:
            self._open_s = float("inf")  # the file was moved or changed since: what is loaded goes on as it is

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once.

        Returns:
            Its outputs, in the order of `outputs`.

        Raises:
            RequestError: the graph refuses these inputs, or fails on them.
            DeviceError: the device failed, or was lost.
            OutOfMemoryError: the device's memory does not hold it.
        """
        before = _resident_bytes()
        try:
            outputs: list[Array] = self._native.run(None, dict(feeds))
        except NATIVE_ERRORS as error:
            raise run_error(self._path, error, self._place) from error
        self._arena_bytes = max(self._arena_bytes, self._arena_bytes + _resident_bytes() - before)
        return [np.asarray(output) for output in outputs]

    def close(self) -> None:
        """Free the graph; it must not be run again."""
        self._native = None
        self._weights_bytes = self._arena_bytes = 0

    def _open_first(self, cache: Path | None) -> Any:
        """Open the graph, from its compiled form if there can be one."""
        found = self._found
        if found is None:
            return self._open()
        outline = _outline(self._path)
        if outline is not None and found.kind in found.provider.wants_fixed_shapes:
            self._sides = batch_sides(outline)
        if cache is not None and outline is not None and found.provider.can_compile_context:
            before = time.time()
            compiled = compiled_model(cache, self._path, found, self._sides, outline.locations)
            if compiled is not None:
                self._file = compiled
                try:
                    return self._open()
                except EngineError as error:
                    log.warning("The compiled form of %s does not open: %s", self._path.name, error)
                    is_new = compiled.stat().st_mtime >= before - CLOCK_S
                    discard(compiled, str(error) if is_new else "")
                    self._file = self._path
        return self._open()

    def _open(self) -> Any:
        provider = self._found.provider if self._found is not None else CPU
        try:
            options = session_options(provider, self._found, self._threads, self._sides)
            named = providers_by_name(provider, self._found, self._threads)
            return onnxruntime.InferenceSession(str(self._file), options, providers=named, enable_fallback=0)
        except NATIVE_ERRORS as error:
            raise load_error(self._path, error, self._place) from error

    def _assigned(self) -> Assignment:
        provider = self._found.provider if self._found is not None else CPU
        counts: Counter[str] = Counter()
        try:
            for part in self._native.get_provider_graph_assignment_info():
                counts[part.ep_name] += len(part.get_nodes())
        except NATIVE_ERRORS as error:
            log.info("ONNX Runtime does not say what runs where: %s.", reason_of(error))
        if self.is_compiled and (outline := _outline(self._path)) is not None:
            # One opaque operator stands for all that were compiled: those of the file that are not elsewhere.
            elsewhere = counts.total() - counts[provider.name]
            whole = sum(node.kind != "Constant" for node in outline.nodes)
            counts[provider.name] = max(whole - elsewhere, counts[provider.name])
        kind = self._found.kind if self._found is not None else DeviceKind.CPU
        return Assignment(
            provider=provider.name, title=provider.title, kind=kind, counts=MappingProxyType(dict(counts))
        )


def _find(target: DeviceTarget) -> FoundDevice | None:
    """The device of a target; None for the processor's own provider."""
    if target.interface in CPU_INTERFACES:
        return None
    if len(target.targets) != 1:
        raise DeviceError(f"A graph runs on one device, not on {len(target.targets)}.", "Choose one.")
    return find(target.targets[0])


def _outline(path: Path) -> Outline | None:
    """The outline of a graph; None for one that the bounded reader does not take, though ONNX Runtime may."""
    try:
        return read_outline(path)
    except EngineError as error:
        log.info("%s", error)
        return None


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ModelFileError(f"The file name {path.name!a} cannot be used.", "Rename the file.") from error


def _describe(node: Any) -> TensorInfo:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in node.shape)
    return TensorInfo(node.name, shape, node.type)


def _resident_bytes() -> int:
    return psutil.Process().memory_info().rss
