"""A llama.cpp context with its batch: rows go in, one decode runs, rows of logits come out.

The batch arrays are allocated once and filled in place, and the logits are a view of llama.cpp's own memory: one decode
costs a few microseconds of Python, whatever the size of the vocabulary.
"""

import ctypes

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.kv_cache import KvCache
from engine.backends.llama.native import address_of, float_view
from engine.errors import EngineError, OutOfMemoryError
from engine.types import FloatArray

BATCH_TOKENS = 512  # rows of one decode; also llama.cpp's physical batch, so that a step reads the weights once

_NO_SLOT = 1
_OUT_OF_MEMORY = -2


class DecodeContext:
    """One context and one batch.

    Attributes:
        kv: the context's KV cache.
        rows: tokens in the batch.

    Thread: lane only.
    """

    def __init__(self, handle: int, vocabulary_size: int, threads: int) -> None:
        self.handle = handle
        self.kv = KvCache(handle)
        self.rows = 0
        self._vocabulary_size = vocabulary_size
        self._threads = threads
        self._outputs = 0
        self._logits_address = 0
        self._logits: FloatArray = np.empty((0, vocabulary_size), np.float32)
        self._allocate_batch()

    def _allocate_batch(self) -> None:
        self._token = np.zeros(BATCH_TOKENS, np.int32)
        self._position = np.zeros(BATCH_TOKENS, np.int32)
        self._sequence = np.zeros(BATCH_TOKENS, np.int32)
        self._wanted = np.zeros(BATCH_TOKENS, np.int8)
        self._sequence_counts = np.ones(BATCH_TOKENS, np.int32)
        first = self._sequence.ctypes.data
        self._sequence_pointers = first + 4 * np.arange(BATCH_TOKENS, dtype=np.uintp)
        batch = llama.llama_batch()
        fields = dict(batch._fields_)
        for name, array in (
            ("token", self._token),
            ("pos", self._position),
            ("n_seq_id", self._sequence_counts),
            ("seq_id", self._sequence_pointers),
            ("logits", self._wanted),
        ):
            setattr(batch, name, ctypes.cast(array.ctypes.data, fields[name]))
        self._batch = batch

    @property
    def free_rows(self) -> int:
        """Rows that still fit into the batch."""
        return BATCH_TOKENS - self.rows

    def clear_batch(self) -> None:
        """Start a new batch."""
        self.rows = self._outputs = 0

    def add_token(self, token: int, position: int, sequence_id: int) -> None:
        """Add one token whose logits are wanted."""
        row = self.rows
        self._token[row] = token
        self._position[row] = position
        self._sequence[row] = sequence_id
        self._wanted[row] = 1
        self.rows = row + 1
        self._outputs += 1

    def add_chunk(self, tokens: tuple[int, ...] | list[int], position: int, sequence_id: int, *, last: bool) -> None:
        """Add part of a prompt, starting at `position`; `last` asks for the logits of its last token."""
        start, end = self.rows, self.rows + len(tokens)
        self._token[start:end] = tokens
        self._position[start:end] = np.arange(position, position + len(tokens), dtype=np.int32)
        self._sequence[start:end] = sequence_id
        self._wanted[start:end] = 0
        if last:
            self._wanted[end - 1] = 1
            self._outputs += 1
        self.rows = end

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            OutOfMemoryError: compute buffers could not be allocated.
            EngineError: llama.cpp refused the batch or failed.
        """
        self._batch.n_tokens = self.rows
        code = llama.llama_decode(self.handle, self._batch)
        if code == 0:
            return True
        if code == _NO_SLOT:
            return False
        if code == _OUT_OF_MEMORY:
            raise OutOfMemoryError("llama.cpp ran out of memory while computing.", "Load a smaller model or context.")
        raise EngineError(f"llama.cpp failed to decode (code {code}).", "Load the model again.")

    def logits(self) -> FloatArray:
        """Logits of the rows that wanted them, in the order they were added.

        Returns:
            float32, shape (outputs, vocabulary), writable; valid until the next decode.
        """
        address = address_of(llama.llama_get_logits(self.handle))
        if address != self._logits_address or len(self._logits) < self._outputs:
            self._logits = float_view(address, self._outputs, self._vocabulary_size)
            self._logits_address = address
        return self._logits[: self._outputs]

    def set_threads(self, threads: int) -> None:
        """Use this many threads from the next decode on."""
        if threads != self._threads:
            llama.llama_set_n_threads(self.handle, threads, threads)
            self._threads = threads

    def free(self) -> None:
        """Free the context; safe to call twice."""
        if self.handle:
            llama.llama_free(self.handle)
            self.handle = 0
