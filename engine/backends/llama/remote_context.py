"""A context whose weights are in a device process: the same calls as `DecodeContext`, one round trip each."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.backends.base import DeviceTarget, LoadOptions, LoadProgress, Whereabouts
from engine.backends.llama.batch import Batch
from engine.backends.llama.context import check_code
from engine.backends.llama.parking import State
from engine.backends.llama.slots import SequenceMemory
from engine.backends.process.process import DeviceProcess
from engine.backends.process.shared import SharedFloats
from engine.errors import DeviceLostError, EngineError, OutOfMemoryError
from engine.types import FloatArray, ModelInfo

WORKER: Final = "engine.backends.llama.worker:LlamaWorker"
LOAD_STALL_S: Final = 8.0
"""Longest wait for a sign of life while loading, for a start; step-down must be done within 10 s."""
LOAD_BYTES_PER_S: Final = 100e6
"""Slower disks are not expected: llama.cpp may read the whole file before it says anything."""
FIRST_DECODE_S: Final = 120.0
"""Longest first decode; a driver that compiles its programs then takes 11 s on a slow machine."""
LEAST_STALL_S: Final = 5.0
"""A later decode may take this long whatever the earlier ones took: step-down must be done within 10 s."""
STALL_FACTOR: Final = 10.0
"""Beyond that, as many times as long as the slowest row so far would let expect."""
_QUICK_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model that a device process has opened.

    Attributes:
        context: decodes with it.
        context_tokens: longest prompt plus answer of one request.
        can_share: whether a part of a sequence can be dropped or shared.
        token_bytes: KV of one token.
        memory_bytes: of weights and buffers, wherever they are.
        whereabouts: where it is.
    """

    context: "RemoteContext"
    context_tokens: int
    can_share: bool
    token_bytes: int
    memory_bytes: int
    whereabouts: Whereabouts


def open_remote_context(
    info: ModelInfo, options: LoadOptions, vocabulary_size: int, progress: LoadProgress, modules: Path | None
) -> RemoteModel:
    """Start a device process and load a model there.

    Thread: loader.

    Raises:
        DeviceLostError: the device is gone, or its driver ended the process or hangs.
        OutOfMemoryError: it does not fit.
        ModelFileError: llama.cpp refuses the file.
        EngineError: `progress` cancelled it.
    """
    target = options.target
    try:
        shared = SharedFloats(options.max_sequences, vocabulary_size)
    except OSError as error:
        raise OutOfMemoryError("There is no memory for what a device computes.", "Close other programs.") from error
    with contextlib.ExitStack() as undo:
        undo.callback(shared.close)
        inherited = [] if shared.descriptor is None else [shared.descriptor]
        process = DeviceProcess(WORKER, target.device, inherited)
        undo.callback(process.close)
        watcher = _Watcher(progress)
        try:
            answer, _ = process.call(
                "load",
                _order(info, options, vocabulary_size, shared, modules),
                within_s=_load_patience_s(info),
                on_told=watcher,
            )
        except DeviceLostError as error:
            if watcher.is_cancelled:
                raise EngineError(f"Loading {info.name} was cancelled.") from error
            raise
        context = RemoteContext(
            process, shared, RemoteKv(process, int(answer["cells"]), int(answer["window"])), options.threads
        )
        undo.pop_all()
    return _opened(context, answer, target, process.pid)


def _opened(context: "RemoteContext", answer: dict[str, Any], target: DeviceTarget, process_id: int) -> RemoteModel:
    """What `LlamaWorker.load` has answered."""
    where = Whereabouts(
        device=target.device,
        interface=target.interface,
        layers=int(answer["layers"]),
        total_layers=int(answer["total_layers"]),
        device_bytes=int(answer["device_bytes"]),
        process_ids=(process_id,),
    )
    return RemoteModel(
        context,
        int(answer["context_tokens"]),
        bool(answer["can_share"]),
        int(answer["token_bytes"]),
        int(answer["memory_bytes"]),
        where,
    )


def _order(
    info: ModelInfo, options: LoadOptions, vocabulary_size: int, shared: SharedFloats, modules: Path | None
) -> dict[str, Any]:
    """What `LlamaWorker.load` is told."""
    target = options.target
    return {
        "path": str(info.path),
        "id": info.id,
        "device": target.device,
        "interface": target.interface,
        "targets": list(target.targets),
        "layers": target.layers,
        "split": list(target.split),
        "modules": str(modules) if modules is not None else "",
        "context_tokens": options.context_tokens,
        "max_sequences": options.max_sequences,
        "threads": options.threads,
        "available_bytes": options.available_bytes,
        "vocabulary": vocabulary_size,
        "shared": shared.argument,
    }


def _load_patience_s(info: ModelInfo) -> float:
    return LOAD_STALL_S + info.size_bytes / LOAD_BYTES_PER_S


class RemoteContext:
    """A context in a device process.

    Attributes:
        kv: the context's KV cache.
        batch: what the next decode reads.

    Thread: lane only.
    """

    kv: SequenceMemory
    paging = None

    def __init__(self, process: DeviceProcess, shared: SharedFloats, kv: "RemoteKv", threads: int) -> None:
        self.kv = kv
        self.batch = Batch()
        self._process = process
        self._shared = shared
        self._threads = threads
        self._slowest_row_s = 0.0

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            DeviceLostError: the device is gone, or gives no sign of life.
            OutOfMemoryError: compute buffers could not be allocated.
            EngineError: llama.cpp refused the batch or failed.
        """
        batch, rows = self.batch, self.batch.rows
        arrays = [array[:rows] for array in (batch.token, batch.position, batch.sequence, batch.wanted)]
        began_s = time.monotonic()
        code, _ = self._process.call("decode", rows, [array.data for array in arrays], within_s=self._patience_s(rows))
        self._slowest_row_s = max(self._slowest_row_s, (time.monotonic() - began_s) / rows)
        return check_code(int(code))

    def logits(self) -> FloatArray:
        """Logits of the rows that wanted them, float32, shape (outputs, vocabulary); valid until the next decode."""
        return self._shared.array[: self.batch.outputs]

    def note_tokens(self, tokens: int) -> None:
        """Do nothing: only what pages weights counts by tokens."""

    def set_threads(self, threads: int) -> None:
        """Use this many threads of the processor, for the layers that stay with it, from the next decode on."""
        if threads != self._threads:
            self._threads = threads
            with contextlib.suppress(DeviceLostError):  # the next decode says so
                self._process.call("threads", threads, within_s=_QUICK_S)

    def free(self) -> None:
        """End the process; safe to call twice."""
        self._process.close()
        self._shared.close()

    def _patience_s(self, rows: int) -> float:
        if not self._slowest_row_s:
            return FIRST_DECODE_S
        return max(LEAST_STALL_S, STALL_FACTOR * self._slowest_row_s * rows)


class RemoteKv:
    """The KV cache of a context in a device process. Where the process is gone there is nothing to keep or to lose.

    Attributes:
        cells: tokens that it holds, all sequences together.
        window: of the layers that attend to the last tokens only, how many; 0 if there are no such layers.

    Thread: lane only.
    """

    def __init__(self, process: DeviceProcess, cells: int, window: int) -> None:
        self.cells = cells
        self.window = window
        self._process = process

    def trim(self, sequence_id: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence; False if this model's memory cannot drop a part."""
        return bool(self._ask("trim", [sequence_id, length]))

    def clear(self, sequence_id: int) -> None:
        """Forget a sequence."""
        self._ask("clear", sequence_id)

    def copy(self, source_id: int, target_id: int, length: int) -> bool:
        """Let an empty sequence share the first `length` tokens of another; False if they are not all there."""
        return bool(self._ask("copy", [source_id, target_id, length]))

    def state_bytes(self, sequence_id: int) -> int:
        """Size of a sequence's state; 0 where it is lost."""
        return int(self._ask("state_bytes", sequence_id) or 0)

    def save(self, sequence_id: int) -> State:
        """Copy a sequence's state out of the cache."""
        try:
            _, payloads = self._process.call("save", sequence_id, within_s=_QUICK_S)
        except DeviceLostError:
            return np.empty(0, np.uint8)
        return np.frombuffer(payloads[0], np.uint8)

    def restore(self, sequence_id: int, state: State) -> bool:
        """Put a state into an empty sequence; False if it does not fit."""
        return bool(self._ask("restore", sequence_id, [state.data]))

    def _ask(self, name: str, body: Any, payloads: list[memoryview] | None = None) -> Any:
        try:
            return self._process.call(name, body, payloads or (), within_s=_QUICK_S)[0]
        except DeviceLostError:  # the next decode says so
            return None


class _Watcher:
    """Passes progress on, and remembers whether it was this that ended the process."""

    def __init__(self, progress: LoadProgress) -> None:
        self._progress = progress
        self.is_cancelled = False

    def __call__(self, fraction: float) -> bool:
        self.is_cancelled = not self._progress(fraction)
        return not self.is_cancelled
