"""From documents and pairs to token streams, and from streams to batches."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from resources.starter import corpus, manual, pairs
from resources.starter import tokenizer as vocabulary
from resources.starter.corpus import Document
from resources.starter.pairs import Pair

Tokens = NDArray[np.uint16]

_SYSTEM_SHARE = 0.15
_SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are starter, the small model that comes with Hearth.",
    "Answer briefly.",
    "You are a helpful assistant that answers questions about Python.",
    "You are a friendly assistant. Keep your answers short.",
)
_CONVERSATIONS = 6000
_FIM_CHARACTERS = 1200


@dataclass(slots=True)
class Corpus:
    """Everything the recipe reads, split into what is trained on and what is held out."""

    documents: list[Document] = field(default_factory=list)
    held_documents: list[Document] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    held_pairs: list[Pair] = field(default_factory=list)
    manual: list[Pair] = field(default_factory=list)
    held_manual: list[Pair] = field(default_factory=list)


def collect(docs: Path = corpus.DOCS) -> Corpus:
    """Read the corpus of this machine, held out by file.

    The pairs about a file go with it, because their answers stand in its text too; only the glossary, which is read
    for its pairs alone, is held out word by word.
    """
    out = Corpus()
    for document in corpus.stdlib_documents():
        _add(out, document, list(pairs.code_pairs(document)))
    for document in corpus.doc_documents(docs):
        rst = (docs / document.name).read_text(encoding="utf-8")
        _add(out, document, _pairs_of(document, rst))
    for pair in pairs.glossary_pairs((docs / "glossary.rst.txt").read_text(encoding="utf-8")):
        (out.held_pairs if corpus.held_out(pair.key, 25) else out.pairs).append(pair)
    out.manual, out.held_manual = manual.load()
    return out


def _pairs_of(document: Document, rst: str) -> list[Pair]:
    if document.name.startswith("library/"):
        return list(pairs.doc_pairs(document, rst))
    if document.name.startswith("faq/"):
        return list(pairs.faq_pairs(rst))
    return []


def _add(out: Corpus, document: Document, found: list[Pair]) -> None:
    if corpus.held_out(document.name):
        out.held_documents.append(document)
        out.held_pairs.extend(found)
    else:
        out.documents.append(document)
        out.pairs.extend(found)


class Encoder:
    """Turns documents, fill-in-the-middle examples and conversations into tokens, with the control tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._id = {text: number for number, text in enumerate(vocabulary.SPECIAL)}

    def _join(self, *parts: str) -> Tokens:
        """The tokens of ``parts``: a control token stands for itself, everything else is text."""
        ids: list[int] = []
        for part in parts:
            if part in self._id:
                ids.append(self._id[part])
            else:
                ids.extend(self.tokenizer.encode(part, add_special_tokens=False).ids)
        return np.array(ids, dtype=np.uint16)

    def document(self, text: str) -> Tokens:
        """A document between begin and end."""
        return self._join(vocabulary.BEGIN, text, vocabulary.END)

    def fill(self, prefix: str, middle: str, suffix: str) -> Tokens:
        """A fill-in-the-middle example in the order prefix, suffix, middle."""
        return self._join(
            vocabulary.BEGIN, vocabulary.FIM_PREFIX, prefix, vocabulary.FIM_SUFFIX, suffix, vocabulary.FIM_MIDDLE,
            middle, vocabulary.END,
        )  # fmt: skip

    def conversation(self, turns: Sequence[Pair], system: str = "") -> Tokens:
        """Questions and answers as the chat template of the model writes them."""
        parts = [vocabulary.BEGIN]
        if system:
            parts += [vocabulary.SYSTEM, system, vocabulary.END]
        for pair in turns:
            parts += [vocabulary.USER, pair.question, vocabulary.END, vocabulary.ASSISTANT, pair.answer, vocabulary.END]
        return self._join(*parts)


def text_stream(documents: Sequence[Document], encoder: Encoder, seed: int) -> list[Tokens]:
    """All documents, and as many fill-in-the-middle examples as make a tenth of the code."""
    rng = random.Random(seed)
    out = []
    for document in documents:
        out.append(encoder.document(document.text))
        if document.kind == "code":
            count = round(len(document.text) * 0.1 / _FIM_CHARACTERS + rng.random() * 0.5)
            out.extend(encoder.fill(*cut(document.text, rng)) for _ in range(count))
    return out


def cut(text: str, rng: random.Random) -> tuple[str, str, str]:
    """A piece of ``text`` that begins at a line, cut at random into prefix, middle (10 to 240 characters), suffix."""
    start = rng.randrange(max(1, len(text) - _FIM_CHARACTERS))
    start = text.rfind("\n", 0, start) + 1
    piece = text[start : start + _FIM_CHARACTERS]
    length = min(rng.randint(10, 240), len(piece) // 2)
    first = rng.randrange(max(1, len(piece) - length))
    return piece[:first], piece[first : first + length], piece[first + length :]


def chat_stream(found: Sequence[Pair], encoder: Encoder, seed: int, conversations: int = 0) -> list[Tokens]:
    """Every pair once, then ``conversations`` random ones of one to three turns; some with a system prompt."""
    rng = random.Random(seed)

    def one(turns: Sequence[Pair]) -> Tokens:
        return encoder.conversation(turns, rng.choice(_SYSTEM_PROMPTS) if rng.random() < _SYSTEM_SHARE else "")

    out = [one([pair]) for pair in found]
    out += [one(rng.sample(found, rng.choice((1, 1, 2, 2, 3)))) for _ in range(conversations)]
    return out


class Stream:
    """An endless supply of windows from a set of token sequences; each pass has a new order and new cuts."""

    def __init__(self, sequences: Sequence[Tokens], seed: int) -> None:
        self._sequences = list(sequences)
        self._rng = np.random.default_rng(seed)
        self._rest: list[Tokens] = []
        self._length = 0
        self.passes = 0

    def window(self, length: int) -> Tokens:
        """The next ``length`` tokens; in one pass every token is given at most once."""
        if length != self._length or not self._rest:
            self._length = length
            self._rest = self._cut(length)
            self.passes += 1
        return self._rest.pop()

    def _cut(self, length: int) -> list[Tokens]:
        order = self._rng.permutation(len(self._sequences))
        flat = np.concatenate([self._sequences[i] for i in order])
        start = int(self._rng.integers(0, min(length, len(flat) - length) or 1))
        count = (len(flat) - start) // length
        windows = list(flat[start : start + count * length].reshape(count, length))
        return [windows[i] for i in self._rng.permutation(count)]


@dataclass(slots=True)
class Streams:
    """The three streams of training."""

    text: Stream
    pairs: Stream
    manual: Stream
    sizes: dict[str, int]

    def batch(self, length: int, rows: int, mix: tuple[float, float, float], rng: np.random.Generator) -> Tokens:
        """A batch ``(rows, length + 1)``; ``mix`` gives the shares of text, pairs and manual."""
        source = (self.text, self.pairs, self.manual)
        return np.stack([source[i].window(length + 1) for i in rng.choice(3, size=rows, p=mix)])


def prepare(found: Corpus, encoder: Encoder, seed: int) -> Streams:
    """Encode everything that is trained on."""
    text = text_stream(found.documents, encoder, seed)
    paired = chat_stream(found.pairs, encoder, seed)
    own = chat_stream(found.manual, encoder, seed, _CONVERSATIONS)
    sizes = {"text": sum(map(len, text)), "pairs": sum(map(len, paired)), "manual": sum(map(len, own))}
    return Streams(Stream(text, seed), Stream(paired, seed + 1), Stream(own, seed + 2), sizes)


def texts(found: Corpus) -> Iterator[str]:
    """What the tokenizer learns from."""
    for document in found.documents:
        yield document.text
    for pair in (*found.pairs, *found.manual):
        yield pair.question
        yield pair.answer
