"""A graph in memory, ready to run.

Why the file is opened by path and needs no tricks: ONNX Runtime lets other threads run while it reads and prepares a
file, but not while it takes the same model from bytes. Measured with a 403 MB model on two busy cores (longest pause
of a thread that ticks every millisecond while the session is made): by path 4 to 9 ms, with or without optimisation;
from bytes 251 ms; an ORT-format file used in place 263 ms. Saving the optimised graph for the next time made the first
load three times as long and the next no shorter, so nothing is cached.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import psutil
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as native

from engine.backends.onnx.providers import CPU, Provider
from engine.errors import EngineError, ModelFileError, ModelNotFoundError, OutOfMemoryError, RequestError

REOPEN_WITHIN_S = 0.1
"""A session that was made this fast is made again to change its threads; ONNX Runtime has no other way."""

NATIVE_ERRORS: tuple[type[Exception], ...] = (
    RuntimeError,
    MemoryError,
    native.EPFail,
    native.EngineError,
    native.Fail,
    native.InvalidArgument,
    native.InvalidGraph,
    native.InvalidProtobuf,
    native.ModelLoadCanceled,
    native.NoModel,
    native.NoSuchFile,
    native.NotFound,
    native.NotImplemented,
    native.RuntimeException,
)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a graph; `shape` has None where a side is free."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Session:
    """One graph on one device.

    Thread: made on the loader thread, then used by one lane only.
    """

    def __init__(self, path: Path, threads: int, provider: Provider = CPU) -> None:
        """Open a graph.

        Args:
            path: of the file; weights kept outside it are found beside it.
            threads: CPU threads of one operator.
            provider: what runs it.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is broken, too new, or uses operators that ONNX Runtime does not have.
            OutOfMemoryError: it does not fit.
        """
        self._path = path
        self._provider = provider
        self._threads = threads
        before = _resident_bytes()
        started = time.perf_counter()
        self._native: Any = _open(path, threads, provider)
        self._open_s = time.perf_counter() - started
        self._weights_bytes = max(path.stat().st_size, _resident_bytes() - before)
        self._arena_bytes = 0
        self.inputs = tuple(_describe(node) for node in self._native.get_inputs())
        self.outputs = tuple(_describe(node) for node in self._native.get_outputs())

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._provider.device

    @property
    def memory_bytes(self) -> int:
        """Bytes by which this process grew when the graph was opened and while it ran, at least the file's size."""
        return self._weights_bytes + self._arena_bytes

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on, if the graph opens within REOPEN_WITHIN_S.

        ONNX Runtime fixes the number when a session is made. A larger graph keeps its threads: they sleep when they
        have nothing to do and take work in small pieces, so a core that another program uses delays only its piece.
        """
        if threads == self._threads or self._open_s > REOPEN_WITHIN_S or self._native is None:
            return
        self._threads = threads
        try:
            self._native = _open(self._path, threads, self._provider)
        except EngineError:
            self._open_s = float("inf")  # the file was moved or changed since: what is loaded goes on as it is

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once.

        Returns:
            Its outputs, in the order of `outputs`.

        Raises:
            RequestError: the graph refuses these inputs, or fails on them.
        """
        before = _resident_bytes()
        try:
            outputs: list[Array] = self._native.run(None, dict(feeds))
        except NATIVE_ERRORS as error:
            raise RequestError(f"The model {self._path.name} failed: {_reason(error)}.") from error
        self._arena_bytes = max(self._arena_bytes, self._arena_bytes + _resident_bytes() - before)
        return [np.asarray(output) for output in outputs]

    def close(self) -> None:
        """Free the graph; it must not be run again."""
        self._native = None
        self._weights_bytes = self._arena_bytes = 0


def _open(path: Path, threads: int, provider: Provider) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it would print to the terminal is in the exception
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.dynamic_block_base", "4")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ModelFileError(f"The file name {path.name!a} cannot be used.", "Rename the file.") from error
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=[(provider.name, dict(provider.options))], enable_fallback=0
        )
    except NATIVE_ERRORS as error:
        raise _load_error(path, error) from error


def _load_error(path: Path, error: Exception) -> EngineError:
    if not path.exists():
        return ModelNotFoundError(f"There is no file {path}.", "Check the path.")
    text = str(error)
    if isinstance(error, MemoryError) or "bad allocation" in text or "bad_alloc" in text:
        return OutOfMemoryError(f"The model {path.name} does not fit into memory.", "Close other models or programs.")
    if "opset" in text.lower() or "IR version" in text:
        return ModelFileError(f"The model {path.name} is newer than this version of ONNX Runtime.", "Update Hearth.")
    if isinstance(error, native.NotImplemented) or "not a registered" in text or "No Op registered" in text:
        return ModelFileError(
            f"The model {path.name} uses an operator that ONNX Runtime lacks: {_reason(error)}.",
            "Choose another export of the model.",
        )
    return ModelFileError(f"The file {path.name} is no ONNX model, or damaged: {_reason(error)}.", "Download it again.")


def _reason(error: Exception) -> str:
    """The last part of what ONNX Runtime says, on one line: codes, paths and source files come before it."""
    text = " ".join(str(error).split())
    text = text.rsplit(" failed:", 1)[-1].strip()
    return (text[:157] + "..." if len(text) > 160 else text).rstrip(".") or type(error).__name__


def _describe(node: Any) -> TensorInfo:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in node.shape)
    return TensorInfo(node.name, shape, node.type)


def _resident_bytes() -> int:
    return psutil.Process().memory_info().rss
