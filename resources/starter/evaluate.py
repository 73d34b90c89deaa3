"""Held-out loss beside a unigram and a 5-gram baseline: ``python -m resources.starter.evaluate``."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from resources.starter import corpus, data
from resources.starter import tokenizer as vocabulary
from resources.starter.corpus import Document
from resources.starter.data import Corpus, Encoder, Tokens
from resources.starter.export import load_model
from resources.starter.model import Starter
from resources.starter.ngram import NGram, unigram_nats

_MOST_TOKENS = 40_000
_SAMPLE_CHARACTERS = 3000
_COPIED_SHARE = 0.2
SAMPLE_FILE = Path(__file__).with_name("heldout.json")
"""A few held-out texts and their figures, small enough for the repository, so that tests can measure again."""


@dataclass(frozen=True, slots=True)
class Score:
    """Mean losses on one kind of held-out text, in nats per token; ``bits_per_byte`` is the model's own."""

    kind: str
    tokens: int
    bytes: int
    model: float
    unigram: float
    five_gram: float

    def bits_per_byte(self, nats: float) -> float:
        """Nats per token as bits per byte of the text."""
        return nats * self.tokens / self.bytes / math.log(2)


@dataclass(frozen=True, slots=True)
class Held:
    """One kind of held-out text: the tokens of each sequence, and the bytes they stand for."""

    kind: str
    sequences: list[Tokens]
    bytes: int


def held_out(found: Corpus, encoder: Encoder) -> list[Held]:
    """The held-out text by kind; every sequence begins with the begin token and ends with the end token."""
    out = []
    copies = near_copies(found)
    groups = {
        kind: [d for d in found.held_documents if d.kind == kind and d not in copies] for kind in ("code", "docs")
    }
    for kind, documents in (groups | {"near copies": copies}).items():
        texts = [document.text for document in documents]
        out.append(Held(kind, [encoder.document(text) for text in texts], sum(len(t.encode()) for t in texts)))
    for kind, pairs in (("pairs", found.held_pairs), ("manual", found.held_manual)):
        size = sum(len((pair.question + pair.answer).encode()) for pair in pairs)
        out.append(Held(kind, [encoder.conversation([pair]) for pair in pairs], size))
    return [_shorten(held) for held in out]


def near_copies(found: Corpus) -> list[Document]:
    """The held-out documents that mostly repeat what is trained on, such as modules written after another.

    A count of word sequences knows these by heart; they say little about text that is new.
    """
    known: set[int] = set()
    for document in found.documents:
        known |= corpus.shingles(document.text)
    copies = []
    for document in found.held_documents:
        own = corpus.shingles(document.text)
        if len(own & known) > _COPIED_SHARE * len(own):
            copies.append(document)
    return copies


def _shorten(held: Held) -> Held:
    """At most :data:`_MOST_TOKENS` tokens, whole sequences spread evenly over all of them, long ones cut."""
    total = sum(map(len, held.sequences))
    if total <= _MOST_TOKENS:
        return held
    every = math.ceil(total / _MOST_TOKENS)
    kept = [sequence[: max(1024, len(sequence) // every)] for sequence in held.sequences]
    if sum(map(len, kept)) > _MOST_TOKENS:
        kept = held.sequences[::every]
    # The bytes that go with the kept tokens, at the average of this kind.
    return Held(held.kind, kept, round(held.bytes * sum(map(len, kept)) / total))


def model_nats(model: Starter, tokens: Tokens) -> np.ndarray[Any, Any]:
    """``-log p`` of every token after the first, each with at least half a context before it where there is one."""
    context = model.shape.context
    stride = context // 2
    out = []
    for start in range(0, max(1, len(tokens) - 1), stride):
        window = torch.from_numpy(tokens[max(0, start - stride) : start + stride + 1].astype(np.int64))
        with torch.no_grad():
            logits = model(window[None, :-1])[0]
            nats = functional.cross_entropy(logits, window[1:], reduction="none").numpy()
        out.append(nats[-(min(start + stride + 1, len(tokens)) - start - 1) :])
    return np.concatenate(out)


def score(model: Starter, train: Tokens, five: NGram, groups: Sequence[Held]) -> list[Score]:
    """Model and baselines on every group; the baselines learned from ``train``."""
    scores = []
    for held in groups:
        flat = held.sequences
        scores.append(
            Score(
                kind=held.kind,
                tokens=sum(len(tokens) - 1 for tokens in flat),
                bytes=held.bytes,
                model=float(np.concatenate([model_nats(model, tokens) for tokens in flat]).mean()),
                unigram=float(np.concatenate([unigram_nats(train, tokens) for tokens in flat]).mean()),
                five_gram=float(np.concatenate([five.nats(tokens) for tokens in flat if len(tokens) > 5]).mean()),
            )
        )
    return scores


def training_tokens(found: Corpus, encoder: Encoder, seed: int) -> Tokens:
    """Everything the network could read in training, once, as one sequence for the baselines."""
    parts = data.text_stream(found.documents, encoder, seed)
    parts += data.chat_stream([*found.pairs, *found.manual], encoder, seed)
    return np.concatenate(parts)


def sample(found: Corpus, encoder: Encoder, train: Tokens, five: NGram) -> dict[str, Any]:
    """A piece of held-out code and one of held-out documentation with what the baselines score on them."""
    copies = near_copies(found)
    own = [document for document in found.held_documents if document not in copies]
    out: dict[str, Any] = {}
    for kind in ("code", "docs"):
        document = max((d for d in own if d.kind == kind), key=lambda d: len(d.text))
        middle = document.text.find("\n", len(document.text) // 3) + 1
        text = document.text[middle : middle + _SAMPLE_CHARACTERS]
        tokens = encoder.document(text)[:-1]
        out[kind] = {
            "source": document.name,
            "text": text,
            "unigram": round(float(unigram_nats(train, tokens).mean()), 4),
            "five_gram": round(float(five.nats(tokens).mean()), 4),
        }
    return out


def table(scores: Sequence[Score]) -> str:
    """The scores as a Markdown table."""
    rows = [
        "| held-out text | tokens | model: nats/token | 5-gram | unigram | model: bits/byte | 5-gram | unigram |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in scores:
        nats = (one.model, one.five_gram, one.unigram)
        cells = [f"{value:.3f}" for value in nats] + [f"{one.bits_per_byte(value):.3f}" for value in nats]
        rows.append(f"| {one.kind} | {one.tokens} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def evaluate(checkpoint: Path, found: Corpus, encoder: Encoder, seed: int) -> list[Score]:
    """All scores of the checkpoint; also writes :data:`SAMPLE_FILE`."""
    model, _ = load_model(checkpoint)
    train = training_tokens(found, encoder, seed)
    five = NGram(train)
    text = json.dumps(sample(found, encoder, train, five), indent=1, ensure_ascii=False)
    SAMPLE_FILE.write_text(text + "\n", encoding="utf-8")
    return score(model, train, five, held_out(found, encoder))


def main() -> None:
    """Print the table and write the scores next to the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path(".cache/starter"))
    parser.add_argument("--docs", type=Path, default=corpus.DOCS)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    encoder = Encoder(vocabulary.load(options.work / "tokenizer.json"))
    scores = evaluate(options.work / "checkpoint.pt", data.collect(options.docs), encoder, options.seed)
    (options.work / "scores.json").write_text(json.dumps([asdict(one) for one in scores], indent=1), encoding="utf-8")
    print(table(scores))


if __name__ == "__main__":
    main()
