"""Texts -> vectors, with a sentence embedder and its `tokenizer.json`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from engine.backends.base import Whereabouts
from engine.backends.onnx.graph_session import GraphSession
from engine.backends.text_formats import TextFormats, asks_outside, embedding_texts
from engine.errors import InvalidRequestError, ModelFileError, RequestError
from engine.types import EmbedRequest, FloatArray, ModelInfo

MOST_TEXTS = 16
"""Per run; on a CPU more gains nothing and costs memory."""
MOST_TOKENS = 512
"""Longest text if nothing beside the model says: what most encoders were trained with."""
LENGTH_FILES: Final = (("sentence_bert_config.json", "max_seq_length"), ("config.json", "max_position_embeddings"))
KNOWN_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})
PADDING_TOKENS: Final = ("[PAD]", "<pad>", "<|endoftext|>")


class OnnxEmbeddingModel:
    """An embedding model in memory.

    Thread: lane.
    """

    def __init__(self, info: ModelInfo, session: GraphSession, tokenizer: Path | None, formats: TextFormats) -> None:
        """Take an open session and what to put around texts, and read the tokenizer.

        Raises:
            ModelFileError: there is no tokenizer, it is damaged, or the graph wants inputs that are not known.
        """
        if tokenizer is None:
            raise ModelFileError(f"{info.path.name} has no tokenizer.json beside it.", "Put the model's own one there.")
        unknown = sorted({item.name for item in session.inputs} - KNOWN_INPUTS)
        if unknown or not session.inputs:
            raise ModelFileError(
                f"{info.path.name} is no sentence embedder: it wants {', '.join(unknown) or 'nothing'}."
            )
        self._info = info
        self._formats = formats
        self._session = session
        self._tokenizer = _read_tokenizer(tokenizer)
        self._most_tokens = _most_tokens(tokenizer, self._tokenizer)
        self._padding_id = _padding_id(self._tokenizer)
        self._tokenizer.no_truncation()  # a text cut in silence would give a vector of something else
        self._tokenizer.no_padding()
        self._rows, self._columns = (*session.inputs[0].shape, None, None)[:2]

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""
        return self._info

    @property
    def device(self) -> str:
        """Where it lives."""
        return self._session.device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it lives, in full."""
        return self._session.whereabouts

    @property
    def backend(self) -> str:
        """The inference library."""
        return "onnxruntime"

    @property
    def memory_bytes(self) -> int:
        """Bytes by which the process grew for it."""
        return self._session.memory_bytes

    @property
    def max_batch(self) -> int:
        """Most texts per run."""
        return self._rows or MOST_TEXTS

    @property
    def asks_outside(self) -> bool:
        """Whether getting a request ready asks a plugin in a process of its own."""
        return asks_outside(self._formats)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on; see Session.set_threads for large graphs."""
        self._session.set_threads(threads)

    def close(self) -> None:
        """Free everything."""
        self._session.close()

    def prepare(self, request: EmbedRequest) -> tuple[str, ...]:
        """Put the words around the texts that the model wants to see for this purpose.

        Thread: any.

        Raises:
            EngineError: a plugin failed.
        """
        return embedding_texts(self._formats, self._info.name, request)

    def embed(self, texts: Sequence[str]) -> tuple[FloatArray, int]:
        """Embed texts, not normalised.

        Returns:
            float32 vectors, shape (texts, dimensions), and the number of tokens read.

        Raises:
            InvalidRequestError: a text is longer than the model reads, or has no tokens.
            RequestError: the graph fails.
        """
        encodings = self._tokenizer.encode_batch(list(texts))
        for index, encoding in enumerate(encodings):
            self._check(index, len(encoding.ids))
        order = sorted(range(len(encodings)), key=lambda index: len(encodings[index].ids))  # little padding
        vectors: dict[int, FloatArray] = {}
        for start in range(0, len(order), self.max_batch):
            chunk = order[start : start + self.max_batch]
            vectors |= zip(chunk, self._run([encodings[index] for index in chunk]), strict=True)
        stacked = np.stack([vectors[index] for index in range(len(texts))])
        return stacked, sum(len(encoding.ids) for encoding in encodings)

    def _check(self, index: int, tokens: int) -> None:
        most = min(self._most_tokens, self._columns or self._most_tokens)
        if tokens > most:
            raise InvalidRequestError(
                f"Text {index + 1} has {tokens:,} tokens, but {self._info.name} reads at most {most:,}.",
                "Split it into shorter texts.",
            )
        if not tokens:
            raise InvalidRequestError(f"Text {index + 1} is empty.", "Leave it out.")

    def _run(self, encodings: Sequence[Encoding]) -> FloatArray:
        rows = self._rows or len(encodings)
        columns = self._columns or max(len(encoding.ids) for encoding in encodings)
        tables = {name: np.zeros((rows, columns), dtype=np.int64) for name in KNOWN_INPUTS}
        tables["input_ids"][:] = self._padding_id
        tables["position_ids"][:] = np.arange(columns)
        for row, encoding in enumerate(encodings):
            length = len(encoding.ids)
            tables["input_ids"][row, :length] = encoding.ids
            tables["token_type_ids"][row, :length] = encoding.type_ids
            tables["attention_mask"][row, :length] = 1
        feeds = {item.name: _cast(tables[item.name], item.dtype) for item in self._session.inputs}
        outputs = dict(zip((item.name for item in self._session.outputs), self._session.run(feeds), strict=True))
        output = outputs.get("sentence_embedding", next(iter(outputs.values())))
        return pool(output.astype(np.float32, copy=False), tables["attention_mask"])[: len(encodings)]


def pool(output: FloatArray, mask: NDArray[np.int64]) -> FloatArray:
    """Make one vector per text: the mean over its tokens, or what the graph has pooled already.

    Args:
        output: float32, shape (texts, tokens, dimensions), or (texts, dimensions).
        mask: 1 for tokens, 0 for padding, shape (texts, tokens).

    Returns:
        float32, shape (texts, dimensions).

    Raises:
        RequestError: the output is neither.
    """
    if output.ndim == 2 and len(output) == len(mask):
        return output
    if output.ndim != 3 or output.shape[:2] != mask.shape:
        raise RequestError(f"The model's output of shape {output.shape} holds no vector per token or text.")
    weights = mask[:, :, np.newaxis].astype(np.float32)
    return np.asarray((output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0), dtype=np.float32)


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        text = path.read_text(encoding="utf-8")
        return Tokenizer.from_str(text)
    except Exception as error:  # the tokenizers package raises plain Exception for a broken file
        raise ModelFileError(f"The tokenizer {path} cannot be read: {error}.", "Download it again.") from error


def _most_tokens(path: Path, tokenizer: Tokenizer) -> int:
    """Longest text in tokens: as the files beside the tokenizer say, else its own truncation, else MOST_TOKENS."""
    for name, field in LENGTH_FILES:
        try:
            value = json.loads((path.parent / name).read_text(encoding="utf-8"))[field]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if type(value) is int and value > 0:
            return value
    truncation = tokenizer.truncation
    return int(truncation["max_length"]) if truncation else MOST_TOKENS


def _padding_id(tokenizer: Tokenizer) -> int:
    if tokenizer.padding:
        return int(tokenizer.padding["pad_id"])
    found = (tokenizer.token_to_id(token) for token in PADDING_TOKENS)
    return next((number for number in found if number is not None), 0)


def _cast(table: NDArray[np.int64], dtype: str) -> NDArray[np.integer]:
    return table.astype(np.int32) if dtype == "tensor(int32)" else table
