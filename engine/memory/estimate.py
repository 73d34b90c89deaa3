"""What a load will take of the machine's memory, before it is done, from what the model's header says.

Rather too much than too little, since a budget must hold; what a load really took corrects the next estimate of that
file.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.backends.base import CPU_TARGET, DeviceTarget, LoadOptions
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.cells import kv_cells, parking_bytes
from engine.errors import ModelError
from engine.memory.place import Place, place_of
from engine.models.shape import Matrices, ModelShape, shape_of
from engine.types import Accepts, ModelInfo

_REPACKED: Final = frozenset({"q4_0", "q4_k", "q2_k", "iq4_nl"})
"""Types whose matrices llama.cpp copies into another order on some processors, beside the file's own pages."""
_REPACKS_BELOW: Final = 0.8  # of the memory it may take; see `open_weights`
_VALUE_BYTES: Final = 4
_MASK_BYTES: Final = 2
_WIDTHS: Final = 16  # vectors of a step that are kept at once: 8 to 13 were seen, the hidden ones of a layer included
_BUFFERS_BYTES: Final = 4 << 20  # a guess: whatever is small
_PROCESS_BYTES: Final = 100 << 20  # of a device process; 80 MB were measured
_GRAPH_COPIES: Final = 2  # a guess: a graph's weights, and what ONNX Runtime makes of them
_BELIEVED: Final = 0.75  # of what a load took less than expected
_ROUNDS: Final = 16  # each brings the estimate at least five times closer to where it settles


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a load takes of the machine's memory.

    Attributes:
        usual_bytes: with all that makes it fast, such as weights copied into the order that the processor likes.
        least_bytes: without.
    """

    usual_bytes: int
    least_bytes: int


class Estimates:
    """Estimates of all models, kept and corrected.

    Thread: any.
    """

    def __init__(self, options: LoadOptions) -> None:
        """Start knowing nothing.

        Args:
            options: with which models are loaded.
        """
        self._options = options
        self._lock = threading.Lock()
        self._shapes: dict[tuple[Path, int], ModelShape | None] = {}  # guarded by _lock
        self._surprises: dict[tuple[Place, int], int] = {}  # guarded by _lock
        self._kept: dict[tuple[Place, int, int | None], Estimate] = {}  # guarded by _lock

    def of(self, info: ModelInfo, target: DeviceTarget = CPU_TARGET) -> Estimate:
        """What loading a model there will take of the machine's memory; microseconds, but for the first time."""
        key = (place_of(info, target), info.size_bytes, target.layers)
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            usual = self._settled(info, target, may_repack=True)
            least = self._settled(info, target, may_repack=False)
            known = Estimate(usual, least if _repacks(info, usual) and not _repacks(info, least) else usual)
            with self._lock:
                self._kept[key] = known
        return known

    def allowance(self, info: ModelInfo, target: DeviceTarget, left_bytes: int) -> int:
        """What to tell a backend that it may take, so that all it then takes stays within what is left."""
        if self._within(info, target, left_bytes) <= left_bytes:
            return left_bytes
        return min(left_bytes, int(info.size_bytes / _REPACKS_BELOW))

    def learn(self, info: ModelInfo, target: DeviceTarget, allowed_bytes: int, took_bytes: int) -> None:
        """Correct the estimates of a file by what a load took.

        Args:
            info: what was loaded.
            target: where.
            allowed_bytes: what the backend was told that it may take.
            took_bytes: of the machine's memory, with the room that it promises to conversations.
        """
        key = (place_of(info, target), info.size_bytes)
        with self._lock:
            before = self._surprises.get(key, 0)
        surprise = took_bytes - self._within(info, target, allowed_bytes) + before
        if surprise < 0:  # the next load may take another share of the memory, and what is saved is not the same then
            surprise = int(surprise * _BELIEVED)
        with self._lock:
            self._surprises[key] = surprise
            for kept in [kept for kept in self._kept if kept[:2] == key]:
                del self._kept[kept]

    def _settled(self, info: ModelInfo, target: DeviceTarget, *, may_repack: bool) -> int:
        """The least that is enough: what a load takes depends on what it may take."""
        size = 0
        for _ in range(_ROUNDS):
            size = self._within(info, target, size, may_repack=may_repack)
        if may_repack and self._copied_bytes(info, target) and not _repacks(info, size):
            size = int(info.size_bytes / _REPACKS_BELOW) + 1
        return size

    def _within(self, info: ModelInfo, target: DeviceTarget, free_bytes: int, *, may_repack: bool | None = None) -> int:
        """What a load takes that may take this much."""
        with self._lock:
            surprise = self._surprises.get((place_of(info, target), info.size_bytes), 0)
        shape = self._shape(info)
        if shape is None:
            return max(1, info.size_bytes + surprise)
        if info.format != "gguf":
            return max(1, _GRAPH_COPIES * info.size_bytes + _BUFFERS_BYTES + surprise)
        copies = _repacks(info, free_bytes) if may_repack is None else may_repack
        weights = _here_bytes(shape, target) + (self._copied_bytes(info, target) if copies else 0)
        return max(1, weights + self._context_bytes(info, shape, target, free_bytes) + surprise)

    def _context_bytes(self, info: ModelInfo, shape: ModelShape, target: DeviceTarget, free_bytes: int) -> int:
        """KV cache, buffers, and conversations beside the cache."""
        options = self._options
        context = min(options.context_tokens, shape.context_tokens or options.context_tokens)
        outputs = _VALUE_BYTES * 2 * options.max_sequences * shape.vocabulary
        if info.accepts == {Accepts.TEXTS}:  # it reads a text as a whole, and keeps nothing
            return _VALUE_BYTES * context * (_WIDTHS * shape.width + context) + outputs + _BUFFERS_BYTES
        cells = kv_cells(context, options.max_sequences, max(1, shape.kv_bytes_per_token), free_bytes)
        kv = cells * shape.kv_bytes_per_token
        parked = parking_bytes(kv, free_bytes)
        if target.targets:
            return parked + int(kv * (1 - _share(shape, target))) + _PROCESS_BYTES
        step = BATCH_TOKENS * (_VALUE_BYTES * _WIDTHS * shape.width + _MASK_BYTES * cells)
        return kv + parked + step + outputs + _BUFFERS_BYTES

    def _copied_bytes(self, info: ModelInfo, target: DeviceTarget) -> int:
        shape = self._shape(info)
        if shape is None or target.targets:
            return 0
        return _copied(shape.layer_work) + _copied(shape.head_work)

    def _shape(self, info: ModelInfo) -> ModelShape | None:
        """What its header says; None if that cannot be read, which whoever loads it will say."""
        key = (info.path, info.size_bytes)
        with self._lock:
            if key in self._shapes:
                return self._shapes[key]
        try:
            shape = shape_of(info)
        except ModelError:
            return None  # not kept: the file may come
        with self._lock:
            self._shapes[key] = shape
        return shape


def _repacks(info: ModelInfo, free_bytes: int) -> bool:
    return info.size_bytes < _REPACKS_BELOW * free_bytes


def _copied(work: Mapping[str, Matrices]) -> int:
    return int(sum(cost.bytes for kind, cost in work.items() if kind in _REPACKED))


def _here_bytes(shape: ModelShape, target: DeviceTarget) -> int:
    """Weights that stay in the machine's memory."""
    if not target.targets:
        return shape.size_bytes
    return int(shape.layer_bytes * (1 - _share(shape, target))) + shape.embedding_bytes


def _share(shape: ModelShape, target: DeviceTarget) -> float:
    """Share of the layers on the device."""
    if target.layers is None or not shape.layers:
        return 1.0
    return min(1.0, target.layers / shape.layers)
