"""A request whose answer repeats its prompt as an edited copy does, for benches of drafts with random models."""

import random
import string
from typing import Final

from engine.bench.measure import GREEDY
from engine.caching import CacheUse
from engine.types import GenerateRequest

COPIED_TOKENS: Final = 44
FRESH_TOKENS: Final = 4
"""An edit per line, about: code that was corrected, a text that was proofread, a quotation with a word left out."""


def repetitive_request(
    model: str, tokens: int, salt: int, *, copied: int = COPIED_TOKENS, fresh: int = FRESH_TOKENS
) -> GenerateRequest:
    """A prompt of so many tokens, and an answer of as many that copies it with small changes.

    Random weights have nothing to repeat: left alone they write noise, in which no draft is ever right, or run in a
    circle, in which every draft is. So a grammar says what is written, letter by letter: `copied` tokens of the prompt,
    then `fresh` ones instead of those that stood there, and so on.

    Why this is fair: nothing but the choice of tokens is ruled. Every row is computed in full, whatever is written; the
    model still cannot know the next token without a step; the drafts are made from the prompt and the answer like any
    other, have to find their place again behind every change, and are refused where one begins. What remains to be said
    beside a figure is the share that is copied. The grammar takes time for each token that is chosen, with drafts and
    without: compare with this same request without drafts, or where a step takes much longer.

    Args:
        model: id or path of a random model: each ASCII letter is a token of it, and in no other way can it be written.
        tokens: of the prompt, and of the answer; the context must have room for both.
        salt: others make other texts, which no KV cache knows.
        copied: tokens in a row that are those of the prompt.
        fresh: tokens in a row that are not.
    """
    noise = random.Random(f"repetition {salt}")
    prompt = "".join(noise.choices(string.ascii_lowercase, k=tokens))
    changes = noise.choices(string.ascii_uppercase, k=tokens)  # so that none is what stood there
    answer = "".join(
        letter if place % (copied + fresh) < copied else changes[place] for place, letter in enumerate(prompt)
    )
    grammar = f'root ::= "{answer}"'
    return GenerateRequest(
        model=model, prompt=prompt, grammar=grammar, sampling=GREEDY, max_tokens=tokens, cache=CacheUse.OFF
    )
