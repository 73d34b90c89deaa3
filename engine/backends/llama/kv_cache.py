"""The KV cache of a context: sequences cut, shared, copied out and put back."""

import ctypes

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.llama.parking import State

_BYTES = ctypes.POINTER(ctypes.c_uint8)


class KvCache:
    """One context's memory of what it has read.

    Attributes:
        cells: tokens that it holds, all sequences together.
        window: of the layers that attend to the last tokens only, how many; 0 if there are no such layers.

    Thread: lane only.
    """

    def __init__(self, context: int) -> None:
        self.cells = int(llama.llama_n_ctx(context))
        self._context = context
        self._memory = llama.llama_get_memory(context)
        self.window = int(llama.llama_model_n_swa(llama.llama_get_model(context)))

    def trim(self, sequence_id: int, length: int) -> bool:
        """Keep the first `length` tokens of a sequence; False if this memory cannot drop a part, or lacks some."""
        if not self._is_whole(sequence_id, length):
            return False
        return bool(llama.llama_memory_seq_rm(self._memory, sequence_id, length, -1))

    def clear(self, sequence_id: int) -> None:
        """Forget a sequence."""
        llama.llama_memory_seq_rm(self._memory, sequence_id, -1, -1)

    def copy(self, source_id: int, target_id: int, length: int) -> bool:
        """Let an empty sequence share the first `length` tokens of another; no KV is computed or duplicated.

        Returns:
            False if they are not all there; nothing is shared then.
        """
        if not self._is_whole(source_id, length):
            return False
        llama.llama_memory_seq_cp(self._memory, source_id, target_id, 0, length)
        return True

    def state_bytes(self, sequence_id: int) -> int:
        """Size of a sequence's state."""
        return int(llama.llama_state_seq_get_size(self._context, sequence_id))

    def save(self, sequence_id: int) -> State:
        """Copy a sequence's state out of the cache."""
        state: State = np.empty(self.state_bytes(sequence_id), np.uint8)
        target = state.ctypes.data_as(_BYTES)
        written = int(llama.llama_state_seq_get_data(self._context, target, state.nbytes, sequence_id))
        return state[:written]

    def restore(self, sequence_id: int, state: State) -> bool:
        """Put a state into an empty sequence; False if it does not fit."""
        source = state.ctypes.data_as(_BYTES)
        return int(llama.llama_state_seq_set_data(self._context, source, state.nbytes, sequence_id)) == state.nbytes

    def _is_whole(self, sequence_id: int, length: int) -> bool:
        """Whether all is there that the token behind the first `length` ones attends to.

        Layers with a sliding window give cells that have left it to other sequences (`find_slot` in llama.cpp), though
        their cache is as large as the others'. What a sequence has there is always without gaps up to its end, so its
        first position tells whether a shorter one would miss something: what is masked is at least a window away.
        """
        if not self.window or not length:
            return True
        first = int(llama.llama_memory_seq_pos_min(self._memory, sequence_id))
        return 0 <= first <= max(0, length - self.window + 1)
