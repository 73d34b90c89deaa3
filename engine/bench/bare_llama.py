"""The yardstick: llama.cpp's own loop, as in its `simple` and `batched` examples, with nothing of Hearth in between.

Greedy sampling, one context, weights in memory as llama.cpp places them by default.
"""

import ctypes
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

import llama_cpp
import psutil

from engine.backends.llama.native import ensure_initialised
from engine.errors import ModelFileError

BATCH_TOKENS = 512


class BareLlama(AbstractContextManager["BareLlama"]):
    """One model and one context. Each measurement starts with an empty KV cache.

    Thread: one.
    """

    def __init__(
        self, path: Path, threads: int, sequences: int = 1, context_tokens: int = 4096, *, copies_weights: bool = True
    ) -> None:
        """Load a model.

        Args:
            path: the file.
            threads: for decoding and for prefill.
            sequences: most sequences in a batch.
            context_tokens: KV cells, shared by all sequences.
            copies_weights: whether weights may be copied out of the file's mapping, into an order that is faster.

        Raises:
            ModelFileError: llama.cpp cannot load it.
        """
        ensure_initialised()  # the process-wide part, and a log that does not mix with the table
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = copies_weights
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self._model:
            raise ModelFileError(f"llama.cpp cannot load {path}.", "Remove it with `hearth bench --clean`.")
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self._context = self._make_context(threads, sequences, context_tokens)
        self._batch = llama_cpp.llama_batch_init(BATCH_TOKENS, 0, 1)
        self._sampler = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        llama_cpp.llama_sampler_chain_add(self._sampler, llama_cpp.llama_sampler_init_greedy())
        self._piece = ctypes.create_string_buffer(256)

    def _make_context(self, threads: int, sequences: int, context_tokens: int) -> object:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context_tokens
        parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
        parameters.n_seq_max = sequences
        parameters.kv_unified = True
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.no_perf = True
        return llama_cpp.llama_init_from_model(self._model, parameters)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        llama_cpp.llama_sampler_free(self._sampler)
        llama_cpp.llama_batch_free(self._batch)
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def __enter__(self) -> Self:
        return self

    def prefill_s(self, text: str) -> float:
        """Seconds from a prompt to its first token, tokenising included; at most `BATCH_TOKENS` tokens."""
        started_s = perf_counter()
        tokens = self._tokenize(text)
        self._start([tokens])
        self._sample(len(tokens) - 1)
        return perf_counter() - started_s

    def decode_tokens_per_s(
        self, texts: Sequence[str], tokens: int, *, settle_s: float = 0.0, limit_s: float = float("inf")
    ) -> float:
        """Speed of decoding after the first token, all sequences together.

        Args:
            texts: one short prompt per sequence, together at most `BATCH_TOKENS` tokens.
            tokens: per sequence.
            settle_s: decode this long before the clock starts.
            limit_s: stop this long after the clock started, even if tokens are left.
        """
        prompts = [self._tokenize(text) for text in texts]
        self._start(prompts)
        row, latest = -1, []
        for prompt in prompts:
            row += len(prompt)
            latest.append(self._sample(row))
        lengths = [len(prompt) for prompt in prompts]
        started_s, started_at, done = perf_counter(), 0, 0
        is_settling = settle_s > 0
        while done < tokens and (is_settling or perf_counter() - started_s < limit_s):
            for sequence, token in enumerate(latest):
                self._put(sequence, token, lengths[sequence] + done, sequence, wants_logits=True)
            self._decode(len(latest))
            latest = [self._sample(sequence) for sequence in range(len(latest))]
            done += 1
            if is_settling and perf_counter() - started_s >= settle_s:
                is_settling, started_s, started_at = False, perf_counter(), done
        return (done - started_at) * len(texts) / (perf_counter() - started_s)

    def _start(self, prompts: list[list[int]]) -> None:
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), False)
        row = 0
        for sequence, prompt in enumerate(prompts):
            for position, token in enumerate(prompt):
                self._put(row, token, position, sequence, wants_logits=position == len(prompt) - 1)
                row += 1
        self._decode(row)

    def _put(self, row: int, token: int, position: int, sequence: int, *, wants_logits: bool) -> None:
        batch = self._batch
        batch.token[row] = token
        batch.pos[row] = position
        batch.n_seq_id[row] = 1
        batch.seq_id[row][0] = sequence
        batch.logits[row] = wants_logits

    def _decode(self, rows: int) -> None:
        self._batch.n_tokens = rows
        if code := llama_cpp.llama_decode(self._context, self._batch):
            raise RuntimeError(f"llama_decode gave {code}")

    def _sample(self, row: int) -> int:
        token = int(llama_cpp.llama_sampler_sample(self._sampler, self._context, row))
        llama_cpp.llama_token_to_piece(self._vocabulary, token, self._piece, len(self._piece), 0, False)
        return token

    def _tokenize(self, text: str) -> list[int]:
        data = text.encode()
        tokens = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self._vocabulary, data, len(data), tokens, len(tokens), True, False)
        return list(tokens[:count])


def default_threads() -> int:
    """What llama.cpp's programs take unless told otherwise: all physical cores of the machine."""
    return psutil.cpu_count(logical=False) or 4
