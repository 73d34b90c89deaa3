"""Opening a model to measure it: as it is opened for use, with a plain context. In a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import llama_cpp.llama_cpp as llama

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.opening import check_generates
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, open_context, open_weights
from engine.errors import CapabilityError
from engine.models.gguf import read_header
from engine.models.gguf_info import describe


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """A model and its context.

    Attributes:
        weights: of the model.
        vocabulary: of the model.
        context: for one sequence.
        most_tokens: that a text may have: the context rounds up, and beyond what it was trained for a model may crash.
    """

    weights: Weights
    vocabulary: Vocabulary
    context: DecodeContext
    most_tokens: int


@contextmanager
def open_measured(
    path: Path, threads: int, cells: int, batch_tokens: int, progress: LoadProgress
) -> Iterator[MeasuredModel]:
    """Open a model that writes text.

    Args:
        path: its file.
        threads: of the processor.
        cells: of the context; fewer if the model was trained for fewer.
        batch_tokens: most tokens of a decode.
        progress: told how far loading is.

    Raises:
        ModelFileError: it is broken.
        CapabilityError: it does not write text.
        OutOfMemoryError: it does not fit.
    """
    weights = open_weights(describe(read_header(path), path.stem), LoadOptions(threads=threads), progress)
    try:
        vocabulary = Vocabulary(weights.handle)
        check_generates(weights, vocabulary.size)
        most_tokens = min(cells, weights.trained_context_tokens or cells)
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_seq_max = most_tokens, 1
        params.n_batch = params.n_ubatch = batch_tokens
        params.n_threads = params.n_threads_batch = threads
        params.no_perf = True
        context = DecodeContext(open_context(weights, params), vocabulary.size, threads)
        try:
            if not llama.llama_get_memory(context.handle):  # an encoder: it reads a text as a whole
                raise CapabilityError(f"{weights.info.name} does not write text from left to right.")
            yield MeasuredModel(weights, vocabulary, context, most_tokens)
        finally:
            context.free()
    finally:
        weights.free()
