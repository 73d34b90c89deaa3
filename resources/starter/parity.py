"""Checks that llama.cpp sees the same model: equal tokens, and logits that differ only by rounding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from llama_cpp import Llama
from tokenizers import Tokenizer

from resources.starter.model import Starter

LARGEST_LOGIT_DIFFERENCE = 0.08
"""llama.cpp rounds activations to 16 bits before each product; more than this is a mistake in the export."""

_HARD_TEXTS = (
    "", " ", "\n", "\t", "  \n  ", "\r\n\r\n", "a\u00a0b", "Grüße, señor! Ça va?", "日本語のテキスト", "Привет мир",
    "🔥👩‍💻 e\u0301 é", "x = 1234567890 + 0x1F", "١٢٣", "don't I'LL we've", "'''\"\"\"", "a" * 300, " " * 70 + "x",
    "def f(x):\n    return x\n\n\n        y\n", "\ufeffbom", "<|end|", "½ ² Ⅷ", "a_b__c.d()[e]{f}", "\x00\x01\x7f",
)  # fmt: skip


def snippets(texts: Sequence[str], count: int = 1000, seed: int = 3) -> list[str]:
    """``count`` pieces to compare tokenizers on: cut from ``texts`` at random, and some hard ones."""
    rng = random.Random(seed)
    out = list(_HARD_TEXTS)
    alphabet = "ab C\n\t  .,:;(){}[]'\"=+-_#0123456789éß€中ع🔥\u200d\u0301"
    out += ["".join(rng.choices(alphabet, k=rng.randint(1, 60))) for _ in range(count // 5)]
    while len(out) < count:
        text = rng.choice(texts)
        start = rng.randrange(max(1, len(text)))
        out.append(text[start : start + rng.randint(1, 400)])
    return out


def check_tokens(path: Path, tokenizer: Tokenizer, texts: Sequence[str]) -> int:
    """Compare llama.cpp's tokens with the tokenizer's on every text; returns how many texts were compared.

    Raises:
        ValueError: a text is cut differently.
    """
    llama = Llama(str(path), vocab_only=True, verbose=False)
    for text in texts:
        expected = tokenizer.encode(text, add_special_tokens=False).ids
        found = llama.tokenize(text.encode(), add_bos=False, special=False)
        if found != expected:
            raise ValueError(f"The tokenizers differ on {text!r}: {found} instead of {expected}.")
    llama.close()
    return len(texts)


def check_logits(path: Path, model: Starter, tokens: Sequence[int]) -> float:
    """The largest difference between the logits of torch and of llama.cpp on ``tokens``.

    Raises:
        ValueError: it is larger than :data:`LARGEST_LOGIT_DIFFERENCE`.
    """
    llama = Llama(str(path), n_ctx=len(tokens), logits_all=True, verbose=False, n_threads=1)
    llama.eval(list(tokens))
    found = np.array(llama.scores[: len(tokens)])
    llama.close()
    with torch.no_grad():
        expected = model(torch.tensor([list(tokens)]))[0].numpy()
    difference = float(np.abs(found - expected).max())
    if difference > LARGEST_LOGIT_DIFFERENCE:
        raise ValueError(f"The exported model computes something else: logits differ by up to {difference:.3f}.")
    return difference
