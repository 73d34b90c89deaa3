"""A loaded embedding model: texts to vectors, several texts per run."""

from collections.abc import Sequence
from typing import Self

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.base import IN_THIS_PROCESS, LoadOptions, Whereabouts
from engine.backends.llama.native import address_of, float_view
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, open_context
from engine.backends.text_formats import TextFormats, asks_outside, embedding_texts
from engine.errors import CapabilityError, EngineError, InvalidRequestError, RequestError
from engine.types import EmbedRequest, FloatArray, ModelInfo

_MAX_BATCH = 64


class LlamaEmbeddingModel:
    """Embeds texts.

    Thread: lane only, but for `prepare`.
    """

    def __init__(
        self, weights: Weights, handle: int, vocabulary: Vocabulary, threads: int, formats: TextFormats
    ) -> None:
        self._weights = weights
        self._formats = formats
        self._handle = handle
        self._vocabulary = vocabulary
        self._threads = threads
        self._limit = int(llama.llama_n_ubatch(handle))
        self._dimensions = int(llama.llama_model_n_embd_out(weights.handle))
        self._pooling = int(llama.llama_pooling_type(handle))
        self._memory = llama.llama_get_memory(handle)
        self._batch = llama.llama_batch_init(self._limit, 0, 1)

    @classmethod
    def open(cls, weights: Weights, options: LoadOptions, vocabulary: Vocabulary, formats: TextFormats) -> Self:
        """Make the context of an embedding model.

        Raises:
            OutOfMemoryError: it does not fit.
            CapabilityError: the model ranks texts instead of embedding them.
        """
        tokens = min(options.context_tokens, weights.trained_context_tokens or options.context_tokens)
        params = llama.llama_context_default_params()
        # Attention looks both ways, so that a text must be read in one piece.
        params.n_ctx = params.n_batch = params.n_ubatch = tokens
        params.n_seq_max = min(_MAX_BATCH, tokens)
        params.n_threads = params.n_threads_batch = options.threads
        params.kv_unified = True
        params.embeddings = True
        params.no_perf = True
        handle = open_context(weights, params)
        if llama.llama_pooling_type(handle) == llama.LLAMA_POOLING_TYPE_RANK:
            llama.llama_free(handle)
            raise CapabilityError(f"{weights.info.name} ranks texts; it has no vectors.", "Pick an embedding model.")
        return cls(weights, handle, vocabulary, options.threads, formats)

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""
        return self._weights.info

    @property
    def device(self) -> str:
        """Id of the device where it lives."""
        return IN_THIS_PROCESS.device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it lives, in full."""
        return IN_THIS_PROCESS

    @property
    def backend(self) -> str:
        """The inference library."""
        return "llama.cpp"

    @property
    def memory_bytes(self) -> int:
        """Weights and compute buffers, as llama.cpp announced them."""
        return self._weights.memory_bytes

    @property
    def max_batch(self) -> int:
        """Most texts per run."""
        return _MAX_BATCH

    @property
    def asks_outside(self) -> bool:
        """Whether getting a request ready asks a plugin in a process of its own."""
        return asks_outside(self._formats)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on."""
        if threads != self._threads:
            llama.llama_set_n_threads(self._handle, threads, threads)
            self._threads = threads

    def prepare(self, request: EmbedRequest) -> tuple[str, ...]:
        """Put the words around the texts that the model wants to see for this purpose. Thread: any.

        Raises:
            InvalidRequestError: a text is empty.
            EngineError: the plugin failed, or is gone.
        """
        for index, text in enumerate(request.texts):
            _check_not_empty(index, text)
        return embedding_texts(self._formats, self.info.name, request)

    def embed(self, texts: Sequence[str]) -> tuple[FloatArray, int]:
        """Embed texts, not normalised.

        Returns:
            float32 vectors, shape (texts, dimensions), and the number of tokens read.

        Raises:
            RequestError: a text is empty or too long.
        """
        tokens = [self._tokens(index, text) for index, text in enumerate(texts)]
        vectors = np.empty((len(tokens), self._dimensions), np.float32)
        start = 0
        while start < len(tokens):
            end = start + 1
            rows = len(tokens[start])
            while end < len(tokens) and end - start < _MAX_BATCH and rows + len(tokens[end]) <= self._limit:
                rows += len(tokens[end])
                end += 1
            self._run(tokens[start:end], vectors[start:end])
            start = end
        return vectors, sum(map(len, tokens))

    def close(self) -> None:
        """Free everything; the model must not be used again. Safe to call twice."""
        if self._handle:
            llama.llama_batch_free(self._batch)
            llama.llama_free(self._handle)
            self._handle = 0
        self._weights.free()

    def _tokens(self, index: int, text: str) -> list[int]:
        _check_not_empty(index, text)
        tokens = self._vocabulary.tokenize(text, add_special=True, parse_special=False)
        if not 0 < len(tokens) <= self._limit:
            raise RequestError(
                f"Text {index + 1} has {len(tokens):,} tokens, but the model reads {self._limit:,} at most.",
                "Split it into shorter pieces.",
            )
        return tokens

    def _run(self, texts: list[list[int]], vectors: FloatArray) -> None:
        """Read texts that fit into one batch, and write one vector for each."""
        if self._memory:
            llama.llama_memory_clear(self._memory, False)
        batch, row = self._batch, 0
        for sequence_id, tokens in enumerate(texts):
            for position, token in enumerate(tokens):
                batch.token[row] = token
                batch.pos[row] = position
                batch.n_seq_id[row] = 1
                batch.seq_id[row][0] = sequence_id
                batch.logits[row] = 1
                row += 1
        batch.n_tokens = row
        code = llama.llama_decode(self._handle, batch)
        if code != 0:
            raise EngineError(f"llama.cpp failed to embed (code {code}).", "Load the model again.")
        row = 0
        for sequence_id, tokens in enumerate(texts):
            vectors[sequence_id] = self._vector(sequence_id, row, len(tokens))
            row += len(tokens)

    def _vector(self, sequence_id: int, first_row: int, rows: int) -> FloatArray:
        if self._pooling != llama.LLAMA_POOLING_TYPE_NONE:
            return self._view(llama.llama_get_embeddings_seq(self._handle, sequence_id))
        every = [self._view(llama.llama_get_embeddings_ith(self._handle, first_row + row)) for row in range(rows)]
        mean: FloatArray = np.stack(every).mean(axis=0, dtype=np.float32)
        return mean

    def _view(self, pointer: object) -> FloatArray:
        address = address_of(pointer)
        if not address:
            raise EngineError("llama.cpp returned no vector.", "Load the model again.")
        view: FloatArray = float_view(address, 1, self._dimensions)[0]
        return view


def _check_not_empty(index: int, text: str) -> None:
    if not text.strip():
        raise InvalidRequestError(f"Text {index + 1} is empty.", "Leave it out.")
