"""How large the KV cache of a text model is made, and what is kept beside it: shared by who makes it and who plans."""

from typing import Final

_CELLS_PER_SEQUENCE: Final = 640  # room for a default answer (512 tokens) and a short prompt in every slot
_KV_SHARE: Final = 8  # beyond the context asked for, the KV cache takes at most an eighth of what weights leave
_PARKED_SHARE: Final = 16  # conversations outside the KV cache take at most this share of that, a guess
_PAGED_PARKED_SHARE: Final = 4  # of the KV cache, a guess
_STATES_BYTES: Final = 128 << 20  # a guess: room for states of models that keep no KV per token
_ROUND_CELLS: Final = 256  # llama.cpp makes caches of a multiple of this

PAGED_RESERVE_BYTES: Final = 48 << 20
"""Left free beside what is counted of a paged model: rows of tables that are looked up, and what llama.cpp allocates
while it works."""


def kv_cells(context_tokens: int, max_sequences: int, token_bytes: int, free_bytes: int) -> int:
    """Tokens that the KV cache holds, all sequences together.

    Args:
        context_tokens: longest prompt plus answer of one request; so many it holds in any case.
        max_sequences: most that are answered together.
        token_bytes: what one token takes, 1 at least.
        free_bytes: memory that the model may take, without its weights.
    """
    wanted = max(context_tokens, _CELLS_PER_SEQUENCE * max_sequences)
    return max(context_tokens, min(wanted, free_bytes // _KV_SHARE // token_bytes))


def rounded_cells(cells: int) -> int:
    """Cells that llama.cpp really makes."""
    return -(-cells // _ROUND_CELLS) * _ROUND_CELLS


def parking_bytes(kv_bytes: int, free_bytes: int) -> int:
    """Memory for conversations outside the KV cache: never more than the cache itself takes, where there is one."""
    return min(kv_bytes or _STATES_BYTES, free_bytes // _PARKED_SHARE)


def paged_parking_bytes(kv_bytes: int) -> int:
    """The same for a model whose weights are paged: what conversations take, is read from disk for every token."""
    return kv_bytes // _PAGED_PARKED_SHARE
