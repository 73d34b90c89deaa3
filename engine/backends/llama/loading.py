"""A loaded model put together: weights, context, slots, vocabulary, and the plugins that know its words."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

import llama_cpp.llama_cpp as llama

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.llama.composing import Composer
from engine.backends.llama.context import BATCH_TOKENS, DecodeContext
from engine.backends.llama.embedding_model import LlamaEmbeddingModel
from engine.backends.llama.parking import ParkingLot
from engine.backends.llama.prepare import Preparer
from engine.backends.llama.slots import SlotTable
from engine.backends.llama.text_model import LlamaTextModel
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, free_memory_bytes, open_context, open_weights
from engine.backends.text_formats import TextFormats, open_text_formats
from engine.errors import CapabilityError, OutOfMemoryError
from engine.plugins.contract.models import TextFormat
from engine.plugins.registry import Registry
from engine.types import Accepts, ModelInfo

_CELLS_PER_SEQUENCE = 640  # room for a default answer (512 tokens) and a short prompt in every slot
_PARKED_SHARE = 16  # parked conversations take at most this share of the free memory, a guess
_KV_SHARE = 8  # beyond the context asked for, the KV cache takes at most an eighth of the free memory


def load_model(
    info: ModelInfo, options: LoadOptions, progress: LoadProgress, registry: Registry
) -> LlamaTextModel | LlamaEmbeddingModel:
    """Load a GGUF file as what the plugin that knows it best says it is: to write, or else to make vectors.

    Thread: loader.

    Raises:
        ModelFileError: the file is broken or of an unknown kind.
        OutOfMemoryError: it does not fit.
        CapabilityError: no plugin knows it, or it is neither a text generator nor an embedding model.
        EngineError: `progress` cancelled it, or a plugin refuses it.
    """
    weights = open_weights(info, options, progress)
    with contextlib.ExitStack() as undo:
        undo.callback(weights.free)
        vocabulary = Vocabulary(weights.handle)
        formats = _open_formats(weights, vocabulary, registry)
        if _is_embedder(formats.latest):
            model: LlamaTextModel | LlamaEmbeddingModel = LlamaEmbeddingModel.open(
                weights, options, vocabulary, formats
            )
        else:
            model = _open_text_model(weights, options, vocabulary, formats)
        undo.pop_all()
    return model


def _open_formats(weights: Weights, vocabulary: Vocabulary, registry: Registry) -> TextFormats:
    """Ask the plugins, before the context is made: a broken template should cost nothing."""
    bos, eos = (vocabulary.bos_text, vocabulary.eos_text) if vocabulary.size else ("", "")
    # llama.cpp knows what a file leaves out.
    formats = open_text_formats(registry, replace(weights.facts, bos=bos, eos=eos))
    if not formats.latest:
        raise CapabilityError(f"No plugin knows how to use {weights.info.name}.", "Enable or install one that does.")
    return formats


def _is_embedder(formats: Mapping[Accepts, TextFormat]) -> bool:
    """Whether the most confident plugin, which comes first, makes vectors and nothing else."""
    best = next(iter(formats.values()))
    return {form for form, text_format in formats.items() if text_format is best} == {Accepts.TEXTS}


def _open_text_model(
    weights: Weights, options: LoadOptions, vocabulary: Vocabulary, formats: TextFormats
) -> LlamaTextModel:
    _check_generates(weights)
    if vocabulary.size == 0:
        raise CapabilityError(f"{weights.info.name} has no vocabulary.", "Get a complete file.")
    context_tokens = min(options.context_tokens, weights.trained_context_tokens or options.context_tokens)
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
    composer = Composer(weights.info, vocabulary, formats)
    preparer = Preparer(weights.info, vocabulary, min(context_tokens, context.kv.cells), composer)
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
