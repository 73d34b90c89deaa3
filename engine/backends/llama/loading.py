"""A loaded model put together: weights, context, slots, vocabulary, and the plugins that know its words.

On the processor all of it is in this process. On another device weights and context are in a process of their own
(`worker.py`), and here is the vocabulary alone: prompts, sampling and texts are the same code in both cases.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from engine.backends.base import IN_THIS_PROCESS, LoadOptions, LoadProgress, Whereabouts
from engine.backends.llama.cells import paged_parking_bytes, parking_bytes
from engine.backends.llama.composing import Composer
from engine.backends.llama.context import Context
from engine.backends.llama.embedding_model import LlamaEmbeddingModel
from engine.backends.llama.opening import check_generates, open_decode_context
from engine.backends.llama.paging.opening import MappedFiles, PagedRequest, open_paged_context
from engine.backends.llama.paging.self_check import SelfCheck
from engine.backends.llama.parking import ParkingLot
from engine.backends.llama.prepare import Preparer
from engine.backends.llama.remote_context import open_remote_context
from engine.backends.llama.slots import SlotTable
from engine.backends.llama.text_model import LlamaTextModel
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, free_memory_bytes, open_weights
from engine.backends.text_formats import TextFormats, open_text_formats
from engine.errors import CapabilityError
from engine.plugins.contract.models import TextFormat
from engine.plugins.registry import Registry
from engine.types import Accepts, ModelInfo

_PAGED_OPENING: Final = 0.5
"""Of a paged load, the share that llama.cpp takes; after it what stays is pinned, which takes about as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a load needs beside the model.

    Attributes:
        registry: the plugins.
        modules: folder of llama.cpp's loadable backends; None if there is none.
        check_paging: why paging cannot be trusted with this llama.cpp; empty if it can.
    """

    registry: Registry
    modules: Path | None = None
    check_paging: Callable[[], str] = field(default_factory=lambda: SelfCheck(None))


def load_model(
    info: ModelInfo, options: LoadOptions, progress: LoadProgress, around: Surroundings
) -> LlamaTextModel | LlamaEmbeddingModel:
    """Load a GGUF file as what the plugin that knows it best says it is: to write, or else to make vectors.

    Thread: loader.

    Args:
        info: which file.
        options: how, and where.
        progress: told how far it is.
        around: what it needs beside the model.

    Raises:
        ModelFileError: the file is broken or of an unknown kind.
        OutOfMemoryError: it does not fit.
        CapabilityError: no plugin knows it, or it is neither a text generator nor an embedding model.
        DeviceLostError: the device is gone, or its driver ended the process that used it.
        EngineError: `progress` cancelled it, or a plugin refuses it.
    """
    is_remote = bool(options.target.targets)
    if is_remote:
        options = replace(options, paged=False)
    files = MappedFiles(info.path) if options.paged else None
    share = _PAGED_OPENING if files is not None else 1.0
    weights = open_weights(info, options, lambda fraction: progress(share * fraction), words_only=is_remote)
    with contextlib.ExitStack() as undo:
        undo.callback(weights.free)
        vocabulary = Vocabulary(weights.handle)
        if not vocabulary.has_words:
            raise CapabilityError(f"{info.name} has no vocabulary.", "Get a complete file.")
        formats = _open_formats(weights, vocabulary, around.registry)
        if _is_embedder(formats.latest):
            if is_remote:
                raise CapabilityError(f"{info.name} makes vectors, which is done on the processor.")
            model: LlamaTextModel | LlamaEmbeddingModel = LlamaEmbeddingModel.open(
                weights, options, vocabulary, formats
            )
        else:
            if is_remote:
                decoder = _remote(weights, options, vocabulary, progress, around.modules)
            elif files is not None:
                request = PagedRequest(weights=weights, options=options, files=files, self_check=around.check_paging)
                decoder = _paged(request, vocabulary, lambda fraction: progress(share + (1 - share) * fraction))
            else:
                decoder = _local(weights, options, vocabulary)
            undo.callback(decoder.context.free)
            model = _text_model(weights, options, vocabulary, formats, decoder)
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


@dataclass(frozen=True, slots=True)
class _Decoder:
    """A context, and what must be known of the weights behind it, such as their bytes in the machine's memory."""

    context: Context
    context_tokens: int
    can_share: bool
    token_bytes: int
    weight_bytes: int
    whereabouts: Whereabouts


def _local(weights: Weights, options: LoadOptions, vocabulary: Vocabulary) -> _Decoder:
    check_generates(weights, vocabulary.size)
    weight_bytes = weights.memory_bytes
    context, tokens = open_decode_context(weights, options, vocabulary.size)
    where = replace(IN_THIS_PROCESS, layers=weights.layers, total_layers=weights.layers)
    return _Decoder(context, tokens, weights.has_partial_memory, weights.kv_bytes_per_token, weight_bytes, where)


def _paged(request: PagedRequest, vocabulary: Vocabulary, progress: LoadProgress) -> _Decoder:
    weights = request.weights
    check_generates(weights, vocabulary.size)
    context, tokens = open_paged_context(request, vocabulary.size, progress)
    where = replace(IN_THIS_PROCESS, layers=weights.layers, total_layers=weights.layers)
    weight_bytes = weights.memory_bytes
    return _Decoder(context, tokens, weights.has_partial_memory, weights.kv_bytes_per_token, weight_bytes, where)


def _remote(
    weights: Weights, options: LoadOptions, vocabulary: Vocabulary, progress: LoadProgress, modules: Path | None
) -> _Decoder:
    check_generates(weights, vocabulary.size)
    opened = open_remote_context(weights.info, options, vocabulary.size, progress, modules)
    weights.memory_bytes = opened.memory_bytes
    where = opened.whereabouts
    here_bytes = max(0, opened.memory_bytes - where.device_bytes)
    return _Decoder(opened.context, opened.context_tokens, opened.can_share, opened.token_bytes, here_bytes, where)


def _text_model(
    weights: Weights, options: LoadOptions, vocabulary: Vocabulary, formats: TextFormats, decoder: _Decoder
) -> LlamaTextModel:
    kv = decoder.context.kv
    kv_bytes = kv.cells * decoder.token_bytes
    left_bytes = max(0, free_memory_bytes(options) - decoder.weight_bytes)
    parked = ParkingLot(paged_parking_bytes(kv_bytes) if options.paged else parking_bytes(kv_bytes, left_bytes))
    slots = SlotTable(kv, options.max_sequences, parked, can_share=decoder.can_share)
    # Cells are handed out in blocks, so the context may hold slightly more than what was asked for.
    composer = Composer(weights.info, vocabulary, formats)
    preparer = Preparer(weights.info, vocabulary, min(decoder.context_tokens, kv.cells), composer)
    # With weights that have to be read anyway, more rows in a step cost next to nothing.
    return LlamaTextModel(
        weights, decoder.context, slots, vocabulary, preparer, decoder.whereabouts, drafts=options.paged
    )
