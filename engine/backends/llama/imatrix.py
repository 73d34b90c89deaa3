"""Importance matrix: which columns of a model's weights matter, by what the model computes of a text.

For every product of a weight matrix with activations, the squares of the activations are summed per column of the
matrix. A quantizer that knows them puts its errors where they are multiplied with little. llama.cpp calls back for
every node of a step; only products of weights are asked for, and those of the same activations are summed once.

Thread: one, in a process of its own.
"""

import ctypes
import logging
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.base import LoadOptions
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.opening import check_generates
from engine.backends.llama.symbols import function
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, open_context, open_weights
from engine.errors import CapabilityError, EngineError, ModelFileError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.tensor_names import LAYER
from engine.types import FloatArray

log = logging.getLogger(__name__)

LEAST_TOKENS: Final = 16
"""Of a chunk that counts; with fewer, llama.cpp may compute in another way."""
OUTPUT_EVERY: Final = 4
"""Of so many tokens one goes through the last layer to its end: enough to see what matters there, and few logits."""
_TRY_AGAIN: Final = 12
_F32: Final = 0
_SOURCES: Final = 10

Importances = dict[str, FloatArray]
"""Name of a tensor -> mean square of what each column is multiplied with, float32, one after another per expert."""


class _Tensor(ctypes.Structure):
    """`struct ggml_tensor`, as far as it is read; `_check_layout` compares it with what ggml says."""

    _fields_ = (  # type: ignore[mutable-override]  # typeshed wants a list, which could be changed
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * _SOURCES),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
    )


class ImportanceWatch:
    """A callback for a context, which sums up what the weights of all layers are multiplied with.

    Attributes:
        callback: to be given to the context; must live as long as that.
        error: what went wrong inside, if anything did.
    """

    def __init__(self) -> None:
        self._sums: dict[str, FloatArray] = {}
        self._counts: dict[str, FloatArray] = {}
        self._last: tuple[int, FloatArray] | None = None  # the activations that were summed last
        self._plain, self._by_expert = _operation("MUL_MAT"), _operation("MUL_MAT_ID")
        self._get_data = function(
            "ggml_backend_tensor_get", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t
        )
        self._size_of = function("ggml_nbytes", ctypes.c_size_t, ctypes.c_void_p)
        self._is_checked = False
        self.callback = llama.ggml_backend_sched_eval_callback(self._on_node)
        self.error: BaseException | None = None

    def begin_step(self) -> None:
        """Forget addresses: the next step may put other things there."""
        self._last = None

    def result(self) -> Importances:
        """The mean squares; experts that were never asked count as average.

        Raises:
            ModelFileError: the model computes no numbers.
        """
        found: Importances = {}
        for name, sums in self._sums.items():
            counts = self._counts[name]
            means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.float32(1))
            if not np.isfinite(means).all():
                raise ModelFileError(
                    "The model computes numbers without end of the calibration text.",
                    "Its file may be damaged; get it again, or choose another text.",
                )
            found[name] = np.ascontiguousarray(means, np.float32).reshape(-1)
        return found

    def _on_node(self, address: int, is_question: bool, _data: int | None) -> bool:
        try:
            if not self._is_checked:
                _check_layout(address)
                self._is_checked = True
            node = _Tensor.from_address(address)
            if is_question:
                return self._is_wanted(node)
            self._take(node)
        except Exception as error:  # must not unwind through C
            log.exception("following the products failed")
            self.error = error
            return False
        return True

    def _is_wanted(self, node: _Tensor) -> bool:
        if node.op not in (self._plain, self._by_expert):
            return False
        values = _Tensor.from_address(node.src[1])
        if values.type != _F32 or LAYER.match(_name(node)) is None:
            return False
        return bool(node.op == self._by_expert or values.ne[1] >= LEAST_TOKENS)

    def _take(self, node: _Tensor) -> None:
        name = _name(node)
        if node.op == self._by_expert:
            self._take_experts(name, node)
            return
        matrices = _Tensor.from_address(node.src[0]).ne[2]
        sums, rows = self._squares(node.src[1], int(matrices))
        if name not in self._sums:
            self._sums[name] = np.zeros_like(sums)
            self._counts[name] = np.zeros(len(sums), np.float32)
        self._sums[name] += sums
        self._counts[name] += rows

    def _squares(self, address: int, matrices: int) -> tuple[FloatArray, int]:
        """Sums of squares, shape (matrices, columns), and how many rows each is of."""
        values = _Tensor.from_address(address)
        columns, per_matrix, depth = int(values.ne[0]), int(values.ne[1]), int(values.ne[2] * values.ne[3])
        rows = per_matrix * depth // matrices if matrices > 1 else per_matrix * depth
        if self._last is not None and self._last[0] == address:
            return self._last[1], rows
        read = self._read(address).reshape(depth, per_matrix, columns)
        if matrices > 1:
            sums = np.zeros((matrices, columns), np.float32)
            for number, part in enumerate(read):
                sums[number % matrices] += np.einsum("ij,ij->j", part, part)
        else:
            flat = read.reshape(-1, columns)
            sums = np.einsum("ij,ij->j", flat, flat)[None]
        self._last = (address, sums)
        return sums, rows

    def _take_experts(self, name: str, node: _Tensor) -> None:
        """Activations go to the experts that were chosen for their token."""
        values, experts = _Tensor.from_address(node.src[1]), int(_Tensor.from_address(node.src[0]).ne[2])
        columns, slots, tokens = (int(size) for size in values.ne[:3])
        read = self._read(node.src[1]).reshape(tokens, slots, columns)
        chosen = self._chosen(node.src[2])
        sums = self._sums.setdefault(name, np.zeros((experts, columns), np.float32))
        counts = self._counts.setdefault(name, np.zeros(experts, np.float32))
        for slot in range(chosen.shape[1]):
            squares = np.square(read[:, slot % slots])
            np.add.at(sums, chosen[:, slot], squares)
            np.add.at(counts, chosen[:, slot], 1)

    def _chosen(self, address: int) -> "np.ndarray[tuple[int, int], np.dtype[np.int32]]":
        """Which experts each token goes to, shape (tokens, experts); it may be a part of a wider table."""
        ids = _Tensor.from_address(address)
        buffer = self._bytes(address)
        shape, strides = (int(ids.ne[1]), int(ids.ne[0])), (int(ids.nb[1]), int(ids.nb[0]))
        return np.ndarray(shape, np.int32, buffer, strides=strides).copy()

    def _read(self, address: int) -> FloatArray:
        """All values of a tensor that has no gaps."""
        values = _Tensor.from_address(address)
        shape = tuple(int(size) for size in reversed(values.ne))
        strides = tuple(int(size) for size in reversed(values.nb))
        return np.ascontiguousarray(np.ndarray(shape, np.float32, self._bytes(address), strides=strides))

    def _bytes(self, address: int) -> bytearray:
        size = int(self._size_of(address))
        buffer = bytearray(size)
        self._get_data(address, (ctypes.c_char * size).from_buffer(buffer), 0, size)
        return buffer


def measure_importance(
    source: Path, text: str, threads: int, most_chunks: int, progress: Callable[[float], None]
) -> Importances:
    """Let a model read a text, and see what its weights are multiplied with.

    Args:
        source: the model, or its first file.
        text: anything like what the model will be used for.
        threads: of the processor.
        most_chunks: of 512 tokens; the rest of the text is left out.
        progress: told how much is done, in [0, 1].

    Returns:
        Nothing, if it does more than read a text, as an encoder with a decoder does.

    Raises:
        CapabilityError: the text is too short.
        ModelFileError: it is broken.
        OutOfMemoryError: there is no room to compute with it.
    """
    options = LoadOptions(threads=threads)
    info = describe(read_header(source), source.stem)
    weights = open_weights(info, options, lambda _fraction: True, mapped_only=True)
    try:
        return _measure(weights, text, threads, most_chunks, progress)
    finally:
        weights.free()


def _measure(
    weights: Weights, text: str, threads: int, most_chunks: int, progress: Callable[[float], None]
) -> Importances:
    vocabulary, watch = Vocabulary(weights.handle), ImportanceWatch()
    try:
        check_generates(weights, vocabulary.size)
    except CapabilityError:
        return {}
    size = min(weights.trained_context_tokens or BATCH_TOKENS, BATCH_TOKENS)
    chunks = _chunks(vocabulary, text, size)[:most_chunks]
    if not chunks:
        raise CapabilityError("The calibration text is too short.", "Take one of at least a few pages.")
    context, pace = _open_context(weights, vocabulary.size, watch, threads), ThreadPace(threads)
    try:
        for number, chunk in enumerate(chunks):
            progress(number / len(chunks))
            began_s = perf_counter()
            context.set_threads(pace.threads)
            _read(context, chunk, watch)
            pace.note(perf_counter() - began_s)
        return watch.result()
    finally:
        context.free()


def _open_context(weights: Weights, vocabulary_size: int, watch: ImportanceWatch, threads: int) -> DecodeContext:
    """A context for one chunk at a time."""
    params = llama.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.n_seq_max = 1
    params.n_outputs_max = -(-BATCH_TOKENS // OUTPUT_EVERY)
    params.n_threads = params.n_threads_batch = threads
    params.no_perf = True
    params.cb_eval = watch.callback
    return DecodeContext(open_context(weights, params), vocabulary_size, threads)


def _read(context: DecodeContext, chunk: list[int], watch: ImportanceWatch) -> None:
    """Let the model read a chunk as a text of its own."""
    context.kv.clear(0)
    batch = context.batch
    batch.clear()
    batch.add_chunk(chunk, 0, 0, last=False)
    batch.wanted[OUTPUT_EVERY - 1 : batch.rows : OUTPUT_EVERY] = 1
    batch.outputs = int(batch.wanted[: batch.rows].sum())
    watch.begin_step()
    context.decode()
    llama.llama_synchronize(context.handle)
    if watch.error is not None:
        raise EngineError(f"What the model computes cannot be followed: {watch.error}.")


class ThreadPace:
    """How many threads to compute with: with fewer it can be many times faster, where other programs use the cores.

    llama.cpp's threads wait for each other after every product, so one that does not run holds up all. Half as many
    are tried as long as that is faster, and all of them now and then.

    Attributes:
        threads: for the next chunk.
    """

    def __init__(self, most: int) -> None:
        self.threads = self._most = most
        self._times: dict[int, float] = {}
        self._chunks = 0

    def note(self, seconds: float) -> None:
        """Take the time of a chunk with `threads`."""
        self._chunks += 1
        self._times[self.threads] = seconds
        best = min(self._times, key=lambda threads: self._times[threads])
        fewer = max(1, best // 2)
        if fewer not in self._times:
            self.threads = fewer
        elif self._chunks % _TRY_AGAIN == 0:
            self.threads = self._most
        else:
            self.threads = best


def _chunks(vocabulary: Vocabulary, text: str, size: int) -> list[list[int]]:
    """The text in pieces as long as a step, each begun as a text of its own; too short a rest is left out."""
    start = vocabulary.bos_tokens
    tokens = vocabulary.tokenize(text, add_special=False, parse_special=False)
    room = size - len(start)
    pieces = [start + tokens[at : at + room] for at in range(0, len(tokens), room)]
    return [piece for piece in pieces if len(piece) >= LEAST_TOKENS * OUTPUT_EVERY]


def _name(node: _Tensor) -> str:
    """Name of the weights; a copy of them on another device has it between two marks."""
    name = bytes(_Tensor.from_address(node.src[0]).name).decode("utf-8", "replace")
    return name.split("#")[1] if "#" in name else name


def _check_layout(address: int) -> None:
    """Compare a tensor as it is read here with what ggml itself says of it: another build may lay it out differently.

    Raises:
        EngineError: it does.
    """
    node = _Tensor.from_address(address)
    name = function("ggml_get_name", ctypes.c_char_p, ctypes.c_void_p)(address)
    elements = function("ggml_nelements", ctypes.c_int64, ctypes.c_void_p)(address)
    if bytes(node.name) != name or int(np.prod(list(node.ne))) != elements:
        raise EngineError("This build of llama.cpp lays out its tensors differently.", "Install Hearth again.")


def _operation(name: str) -> int:
    """ggml's number of an operation."""
    name_of = function("ggml_op_name", ctypes.c_char_p, ctypes.c_int)
    for number in range(200):
        if name_of(number) == name.encode():
            return number
    raise EngineError(f"This build of llama.cpp has no operation {name}.", "Install Hearth again.")
