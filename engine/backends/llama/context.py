"""A llama.cpp context: a batch goes in, one decode runs, rows of logits come out.

The batch's arrays are handed over as they are, and the logits are a view of llama.cpp's own memory: one decode costs a
few microseconds of Python, whatever the size of the vocabulary.
"""

import ctypes
from typing import Protocol

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.batch import BATCH_TOKENS, Batch
from engine.backends.llama.kv_cache import KvCache
from engine.backends.llama.native import address_of, float_view
from engine.backends.llama.slots import SequenceMemory
from engine.errors import EngineError, OutOfMemoryError
from engine.footprint import PagingInfo
from engine.types import FloatArray

NO_SLOT = 1
OUT_OF_MEMORY = -2


class Context(Protocol):
    """What decodes a batch: here, or in a process of its own.

    Attributes:
        kv: its memory of what it has read.
        batch: what the next decode reads.

    Thread: lane only.
    """

    kv: SequenceMemory
    batch: Batch

    @property
    def paging(self) -> PagingInfo | None:
        """What it costs that weights come and go; None if they do not. Thread: any."""

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            EngineError: it failed; nothing in it can be trusted any more.
        """

    def logits(self) -> FloatArray:
        """Logits of the rows that wanted them, float32, shape (outputs, vocabulary); valid until the next decode."""

    def note_tokens(self, tokens: int) -> None:
        """Hear how many tokens came of the last decode: of rows that were drafts, not every one did."""

    def set_threads(self, threads: int) -> None:
        """Use this many threads of the processor from the next decode on."""

    def free(self) -> None:
        """Free it; safe to call twice."""


class DecodeContext:
    """A context in this process.

    Attributes:
        kv: the context's KV cache.
        batch: what the next decode reads.

    Thread: lane only.
    """

    kv: SequenceMemory

    def __init__(self, handle: int, vocabulary_size: int, threads: int) -> None:
        self.handle = handle
        self.kv = KvCache(handle)
        self.batch = Batch()
        self._vocabulary_size = vocabulary_size
        self._threads = threads
        self._logits_address = 0
        self._logits: FloatArray = np.empty((0, vocabulary_size), np.float32)
        self._native = self._native_batch()

    @property
    def paging(self) -> PagingInfo | None:
        """None: all weights are where they are needed."""
        return None

    def _native_batch(self) -> llama.llama_batch:
        self._sequence_counts = np.ones(BATCH_TOKENS, np.int32)
        first = self.batch.sequence.ctypes.data
        self._sequence_pointers = first + 4 * np.arange(BATCH_TOKENS, dtype=np.uintp)
        native = llama.llama_batch()
        fields = dict(native._fields_)
        for name, array in (
            ("token", self.batch.token),
            ("pos", self.batch.position),
            ("n_seq_id", self._sequence_counts),
            ("seq_id", self._sequence_pointers),
            ("logits", self.batch.wanted),
        ):
            setattr(native, name, ctypes.cast(array.ctypes.data, fields[name]))
        return native

    def decode(self) -> bool:
        """Run the batch; False if the KV cache has no room for it, and nothing was changed.

        Raises:
            OutOfMemoryError: compute buffers could not be allocated.
            EngineError: llama.cpp refused the batch or failed.
        """
        self._native.n_tokens = self.batch.rows
        return check_code(llama.llama_decode(self.handle, self._native))

    def logits(self) -> FloatArray:
        """Logits of the rows that wanted them, in the order they were added.

        Returns:
            float32, shape (outputs, vocabulary), writable; valid until the next decode.
        """
        address, outputs = address_of(llama.llama_get_logits(self.handle)), self.batch.outputs
        if address != self._logits_address or len(self._logits) < outputs:
            self._logits = float_view(address, outputs, self._vocabulary_size)
            self._logits_address = address
        return self._logits[:outputs]

    def note_tokens(self, tokens: int) -> None:
        """Do nothing: only what pages weights counts by tokens."""

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


def check_code(code: int) -> bool:
    """Whether a decode with this return code was done; False if the KV cache had no room.

    Raises:
        OutOfMemoryError: compute buffers could not be allocated.
        EngineError: llama.cpp refused the batch or failed.
    """
    if code == 0:
        return True
    if code == NO_SLOT:
        return False
    if code == OUT_OF_MEMORY:
        raise OutOfMemoryError("llama.cpp ran out of memory while computing.", "Load a smaller model or context.")
    raise EngineError(f"llama.cpp failed to decode (code {code}).", "Load the model again.")
