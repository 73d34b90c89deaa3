"""Composition of a loaded model: weights, context, slots, vocabulary and template put together."""

import contextlib

import llama_cpp.llama_cpp as llama

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.llama.context import BATCH_TOKENS, DecodeContext
from engine.backends.llama.embedding_model import LlamaEmbeddingModel
from engine.backends.llama.native import text_of
from engine.backends.llama.parking import ParkingLot
from engine.backends.llama.prepare import Preparer
from engine.backends.llama.slots import SlotTable
from engine.backends.llama.template import ChatTemplate
from engine.backends.llama.text_model import LlamaTextModel
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, free_memory_bytes, open_context, open_weights
from engine.errors import CapabilityError, OutOfMemoryError
from engine.types import Accepts, ModelInfo

_CELLS_PER_SEQUENCE = 640  # room for a default answer (512 tokens) and a short prompt in every slot
_PARKED_SHARE = 16  # parked conversations take at most this share of the free memory, a guess
_KV_SHARE = 8  # beyond the context asked for, the KV cache takes at most an eighth of the free memory


def load_model(info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LlamaTextModel | LlamaEmbeddingModel:
    """Load a GGUF file as what it accepts says it is.

    Thread: loader.

    Raises:
        ModelFileError: the file is broken or of an unknown kind.
        OutOfMemoryError: it does not fit.
        CapabilityError: it is neither a text generator nor an embedding model.
        EngineError: `progress` cancelled it.
    """
    weights = open_weights(info, options, progress)
    with contextlib.ExitStack() as undo:
        undo.callback(weights.free)
        if Accepts.TEXTS in info.accepts:
            model: LlamaTextModel | LlamaEmbeddingModel = LlamaEmbeddingModel.open(weights, options)
        else:
            model = _open_text_model(weights, options)
        undo.pop_all()
    return model


def _open_text_model(weights: Weights, options: LoadOptions) -> LlamaTextModel:
    _check_generates(weights)
    vocabulary = Vocabulary(weights.handle)
    if vocabulary.size == 0:
        raise CapabilityError(f"{weights.info.name} has no vocabulary.", "Get a complete file.")
    context_tokens = min(options.context_tokens, weights.trained_context_tokens or options.context_tokens)
    # Read before the context is made, so that a broken template costs nothing.
    template = _template(weights, vocabulary)
    params = llama.llama_context_default_params()
    params.n_ctx = _cell_count(weights, options, context_tokens)
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.n_seq_max = params.n_outputs_max = options.max_sequences
    params.n_threads = params.n_threads_batch = options.threads
    params.kv_unified = True  # one pool of cells: a single long conversation may use all of it
    params.no_perf = True
    handle = open_context(weights, params)
    if not llama.llama_get_memory(handle):  # an encoder: it reads a text as a whole and keeps nothing
        llama.llama_free(handle)
        raise _not_a_generator(weights)
    context = DecodeContext(handle, vocabulary.size, options.threads)
    parked = ParkingLot(free_memory_bytes(options) // _PARKED_SHARE)
    slots = SlotTable(context.kv, options.max_sequences, parked, can_share=weights.has_partial_memory)
    # Cells are handed out in blocks, so the context may hold slightly more than what was asked for.
    preparer = Preparer(weights.info, vocabulary, min(context_tokens, context.kv.cells), template)
    return LlamaTextModel(weights, context, slots, vocabulary, preparer)


def _check_generates(weights: Weights) -> None:
    model = weights.handle
    has_encoder = llama.llama_model_has_encoder(model) or not llama.llama_model_has_decoder(model)
    if has_encoder or llama.llama_model_is_diffusion(model):
        raise _not_a_generator(weights)


def _not_a_generator(weights: Weights) -> CapabilityError:
    return CapabilityError(
        f"{weights.info.name} does not write text from left to right.", "Pick a chat, code or completion model."
    )


def _cell_count(weights: Weights, options: LoadOptions, context_tokens: int) -> int:
    """How many tokens the KV cache holds, all sequences together."""
    free_bytes = free_memory_bytes(options)
    token_bytes = max(1, weights.kv_bytes_per_token)
    if context_tokens * token_bytes > free_bytes:
        raise OutOfMemoryError(
            f"The KV cache for {context_tokens:,} tokens of {weights.info.name} needs "
            f"{context_tokens * token_bytes / (1 << 20):,.0f} MiB, but {free_bytes / (1 << 20):,.0f} MiB are free.",
            "Load it with a smaller context.",
        )
    wanted = max(context_tokens, _CELLS_PER_SEQUENCE * options.max_sequences)
    return max(context_tokens, min(wanted, free_bytes // _KV_SHARE // token_bytes))


def _template(weights: Weights, vocabulary: Vocabulary) -> ChatTemplate | None:
    source = text_of(llama.llama_model_chat_template(weights.handle, None))
    return ChatTemplate(source, vocabulary.bos_text, vocabulary.eos_text) if source else None
