"""Uses everything of a GGUF file once, in a process that may die of it: llama.cpp aborts on some files instead of
refusing them, and on some of these only at the first text.
"""

from pathlib import Path
from typing import Final

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.base import LoadOptions
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.native import address_of, float_view
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import Weights, open_context, open_weights
from engine.errors import EngineError, ModelFileError
from engine.models.gguf import GgufHeader, read_header
from engine.models.gguf_info import describe
from engine.templates.template import SafeTemplate

CONTEXT_TOKENS: Final = 64
_STEPS: Final = 4
_MOST_PIECES: Final = 1 << 20
_NO_ROOM: Final = 1 << 40  # of memory: what this process may take is decided elsewhere
_TEXTS: Final = (
    "Hello, world!",
    "\n",
    " \t\r\n  two  spaces",
    "naïve Größe 你好 Привет 👩‍👩‍👧 \u200b\ufeff\u0301",
    "<s><|x|>[X] <0x00> </s><unk>",
    "def f(x): return x ** 2  # 1234567890 12.5e-3",
    "".join(map(chr, range(1, 256))),
    "a" * 300,
)
_TEMPLATE: Final = "tokenizer.chat_template"


def try_out(path: Path, *, words_only: bool, threads: int) -> None:
    """Open a model, read texts with it, write its template, and compute a few tokens or a vector.

    Args:
        path: of the file, of the first one if it is split.
        words_only: leave the weights alone.
        threads: of the processor.

    Raises:
        EngineError: llama.cpp, or a check before it, refuses the file.
    """
    header = read_header(path)
    info = describe(header, path.stem)
    options = LoadOptions(context_tokens=CONTEXT_TOKENS, max_sequences=1, threads=threads, available_bytes=_NO_ROOM)
    weights = open_weights(info, options, lambda _fraction: True, words_only=words_only, mapped_only=not words_only)
    vocabulary = Vocabulary(weights.handle)
    if not vocabulary.has_words:
        raise ModelFileError(f"{info.path.name} has no vocabulary.", "Get a complete file.", "tokens")
    tokens = _read_texts(vocabulary)
    _write_templates(header, vocabulary)
    if not words_only:
        _compute(header, weights, vocabulary, tokens, threads)
    weights.free()


def _read_texts(vocabulary: Vocabulary) -> list[int]:
    """Take texts apart and put tokens together again; returns the tokens of the first text."""
    found = [
        vocabulary.tokenize(text, add_special=add_special, parse_special=parse_special)
        for text in _TEXTS
        for add_special in (True, False)
        for parse_special in (True, False)
    ]
    for token in range(min(vocabulary.size, _MOST_PIECES)):
        vocabulary.piece(token)
        vocabulary.special(token)
        vocabulary.is_end(token)
    return [token for token in found[0] if 0 <= token < vocabulary.size][: CONTEXT_TOKENS // 2]


def _write_templates(header: GgufHeader, vocabulary: Vocabulary) -> None:
    """Write a conversation with each template; one that fails, or is stopped, is no reason to refuse the model."""
    message = {"role": "user", "content": "Hello"}
    for key, source in header.metadata.items():
        if not key.startswith(_TEMPLATE) or not isinstance(source, str):
            continue
        try:
            text = SafeTemplate(source).render(
                {
                    "messages": [message],
                    "add_generation_prompt": True,
                    "bos_token": vocabulary.bos_text,
                    "eos_token": vocabulary.eos_text,
                },
                len(message["content"]),
            )
        except EngineError:
            continue
        vocabulary.tokenize(text, add_special=False, parse_special=True)


def _compute(header: GgufHeader, weights: Weights, vocabulary: Vocabulary, tokens: list[int], threads: int) -> None:
    model = weights.handle
    if llama.llama_model_has_encoder(model) and llama.llama_model_has_decoder(model):
        return  # Hearth cannot drive these, so there is nothing to try
    tokens = tokens or [0]
    if header.number("{arch}.pooling_type") or not llama.llama_model_has_decoder(model):
        _make_vector(weights, vocabulary, tokens, threads)
        return
    handle = open_context(weights, _params(threads))
    if llama.llama_get_memory(handle):
        _write_tokens(DecodeContext(handle, vocabulary.size, threads), tokens)
    else:
        llama.llama_free(handle)
        _make_vector(weights, vocabulary, tokens, threads)


def _params(threads: int) -> "llama.llama_context_params":
    params = llama.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT_TOKENS
    params.n_seq_max = 1
    params.n_threads = params.n_threads_batch = threads
    params.kv_unified = True
    params.no_perf = True
    return params


def _write_tokens(context: DecodeContext, tokens: list[int]) -> None:
    """Read the tokens, then add the most likely one a few times."""
    context.batch.add_chunk(tokens, 0, 0, last=True)
    for step in range(_STEPS):
        if not context.decode():
            raise EngineError("llama.cpp has no room for a few tokens.", "Get the file again.")
        token = int(np.nan_to_num(context.logits()[-1]).argmax())
        context.batch.clear()
        context.batch.add_token(token, len(tokens) + step, 0)
    context.free()


def _make_vector(weights: Weights, vocabulary: Vocabulary, tokens: list[int], threads: int) -> None:
    """Read the tokens in one piece, and look at what came of them."""
    params = _params(threads)
    params.embeddings = True
    handle = open_context(weights, params)
    context = DecodeContext(handle, vocabulary.size, threads)
    for position, token in enumerate(tokens):
        context.batch.add_token(token, position, 0)
    if not context.decode():
        raise EngineError("llama.cpp has no room for a few tokens.", "Get the file again.")
    address = address_of(llama.llama_get_embeddings_ith(handle, 0)) or address_of(
        llama.llama_get_embeddings_seq(handle, 0)
    )
    if address:
        float_view(address, 1, int(llama.llama_model_n_embd_out(weights.handle))).sum()
    context.free()
