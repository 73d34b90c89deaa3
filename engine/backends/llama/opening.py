"""Making the context that a text model decodes with, as large as memory allows."""

from collections.abc import Callable

import llama_cpp.llama_cpp as llama

from engine.backends.base import LoadOptions
from engine.backends.llama.batch import BATCH_TOKENS
from engine.backends.llama.cells import kv_cells
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.drafting import DRAFT_ROWS
from engine.backends.llama.weights import Weights, free_memory_bytes, open_context
from engine.errors import CapabilityError, OutOfMemoryError


def check_generates(weights: Weights, vocabulary_size: int) -> None:
    """Refuse models that write no text from left to right; the vocabulary alone need be open.

    Raises:
        CapabilityError: it is one.
    """
    model = weights.handle
    has_encoder = llama.llama_model_has_encoder(model) or not llama.llama_model_has_decoder(model)
    if has_encoder or llama.llama_model_is_diffusion(model):
        raise _not_a_generator(weights)
    if vocabulary_size == 0:
        raise CapabilityError(f"{weights.info.name} has no vocabulary.", "Get a complete file.")


def open_decode_context(
    weights: Weights,
    options: LoadOptions,
    vocabulary_size: int,
    device_room: Callable[[], int] | None = None,
    device_share: float = 0.0,
    *,
    kind: type[DecodeContext] = DecodeContext,
    watch: object = None,
    drafts: bool = False,
) -> tuple[DecodeContext, int]:
    """Make a context.

    Args:
        weights: open.
        options: how long, for how many sequences, with how many threads.
        vocabulary_size: of its model.
        device_room: free memory of the device that holds some layers, after the weights; None if there is none.
        device_share: share of the layers, and so of the KV cache, on that device.
        kind: what to make of it.
        watch: llama.cpp's callback for every node that it computes.
        drafts: whether sequences will be given drafts.

    Returns:
        The context, and the longest prompt plus answer that one request may have.

    Raises:
        CapabilityError: the model is an encoder.
        OutOfMemoryError: it does not fit.
    """
    context_tokens = min(options.context_tokens, weights.trained_context_tokens or options.context_tokens)
    params = llama.llama_context_default_params()
    params.n_ctx = _cells_here(weights, options, context_tokens)
    if device_room is not None and device_share:
        room = device_room()
        params.n_ctx = min(params.n_ctx, _cells(weights, options, context_tokens, (room, room), device_share))
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.n_seq_max = params.n_outputs_max = options.max_sequences
    if drafts:  # a drafted token needs its logits as well: memory for a row each
        params.n_outputs_max += DRAFT_ROWS
    params.n_threads = params.n_threads_batch = options.threads
    params.kv_unified = True  # one pool of cells: a single long conversation may use all of it
    params.no_perf = True
    if watch is not None:
        params.cb_eval = watch
    handle = open_context(weights, params)
    if not llama.llama_get_memory(handle):  # an encoder: it reads a text as a whole and keeps nothing
        llama.llama_free(handle)
        raise _not_a_generator(weights)
    return kind(handle, vocabulary_size, options.threads), context_tokens


def _cells_here(weights: Weights, options: LoadOptions, context_tokens: int) -> int:
    """How many tokens the KV cache can hold, as far as the machine's memory goes."""
    free_bytes = free_memory_bytes(options)
    left_bytes = max(0, free_bytes - weights.memory_bytes + weights.device_bytes)
    return _cells(weights, options, context_tokens, (free_bytes, left_bytes), 1.0)


def _cells(weights: Weights, options: LoadOptions, context_tokens: int, memory: tuple[int, int], share: float) -> int:
    """How many tokens the KV cache can hold, all sequences together, if this share of it lies in this memory.

    Args:
        weights: open.
        options: how many sequences.
        context_tokens: of one; they have to fit in any case.
        memory: bytes that may be taken, and that the weights leave of it: more than one context comes of these only.
        share: of the KV cache.
    """
    free_bytes, left_bytes = memory
    token_bytes = max(1, int(weights.kv_bytes_per_token * share))
    if context_tokens * token_bytes > free_bytes:
        raise OutOfMemoryError(
            f"The KV cache for {context_tokens:,} tokens of {weights.info.name} needs "
            f"{context_tokens * token_bytes / (1 << 20):,.0f} MiB, but {free_bytes / (1 << 20):,.0f} MiB are free.",
            "Load it with a smaller context.",
        )
    # What a paged model takes for more cells, it reads from disk for every token.
    return kv_cells(context_tokens, options.max_sequences, token_bytes, 0 if options.paged else left_bytes)


def _not_a_generator(weights: Weights) -> CapabilityError:
    return CapabilityError(
        f"{weights.info.name} does not write text from left to right.", "Pick a chat, code or completion model."
    )
