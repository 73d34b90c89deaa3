"""Choosing the next token from logits.

Greedy requests take the most likely token with one numpy call; everything else goes through a chain of llama.cpp's own
samplers. A grammar is applied the cheap way round: the token is drawn without it and only if the grammar refuses that
token is the draw repeated among the tokens that it allows (checking one token is some thousand times cheaper than
checking the whole vocabulary, and models mostly follow the grammar by themselves).
"""

import ctypes
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import llama_cpp.llama_cpp as llama
import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.vocabulary import Vocabulary
from engine.errors import GrammarError
from engine.types import FloatArray, Sampling

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data

Candidates = np.ndarray[tuple[int], np.dtype[np.void]]
TokenIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRecipe:
    """How to choose tokens for one request.

    Attributes:
        sampling: range-checked.
        seed: of the random draw.
        grammar: GBNF that passed the limits, or None.
    """

    sampling: Sampling
    seed: int
    grammar: str | None = None

    @property
    def is_greedy(self) -> bool:
        """Whether the most likely token is taken, after the bias at most."""
        return self.sampling.temperature == 0 and self.grammar is None and not self.has_penalties

    @property
    def has_penalties(self) -> bool:
        """Whether earlier tokens change the logits."""
        sampling = self.sampling
        off = sampling.repeat_penalty == 1 and sampling.frequency_penalty == 0 and sampling.presence_penalty == 0
        return not off and sampling.penalty_last_tokens > 0


class Sampler(Protocol):
    """Chooses tokens for one sequence; may change the logits it is given."""

    def choose(self, logits: FloatArray) -> int:
        """Choose the next token from logits of shape (vocabulary,), and remember it.

        Raises:
            GrammarError: no token of the vocabulary can continue what the grammar demands.
        """

    def accept(self, token: int) -> None:
        """Take account of a token that was chosen elsewhere."""

    def close(self) -> None:
        """Free what llama.cpp allocated."""


class LogitBias:
    """Adds fixed values to some logits."""

    def __init__(self, values: Mapping[int, float]) -> None:
        self._ids = np.fromiter(values.keys(), np.int64)
        self._values = np.fromiter(values.values(), np.float32)

    def add_to(self, logits: FloatArray) -> None:
        """Change logits of shape (vocabulary,) in place."""
        if self._ids.size:
            logits[self._ids] += self._values


class Shortlist:
    """Finds a few hundred tokens that certainly hold the k most likely ones, without sorting the vocabulary.

    It takes all tokens whose logit is within some distance of the best one's, and adapts the distance to what the last
    tokens needed. Handing llama.cpp 300 candidates instead of 32,000 takes a tenth of the time.
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._distance = 8.0  # a guess to start with

    def find(self, logits: FloatArray) -> TokenIds | None:
        """Ids of the candidates; None if there were fewer than k this time."""
        ids = np.flatnonzero(logits >= logits.max() - self._distance)
        if len(ids) < self._k:
            self._distance *= 1.3
            return None
        if len(ids) > 16 * self._k:
            self._distance *= 0.8
        return ids.astype(np.int32)


class GreedySampler:
    """Takes the most likely token."""

    def __init__(self, logit_bias: Mapping[int, float]) -> None:
        self._bias = LogitBias(logit_bias)

    def choose(self, logits: FloatArray) -> int:
        """Choose the next token."""
        self._bias.add_to(logits)
        return int(logits.argmax())

    def accept(self, token: int) -> None:
        """Nothing to remember."""

    def close(self) -> None:
        """Nothing to free."""


class ChainSampler:
    """Runs a chain of llama.cpp's samplers, and a grammar beside it."""

    def __init__(self, recipe: SamplerRecipe, vocabulary: Vocabulary, prompt: tuple[int, ...]) -> None:
        self._grammar = compile_grammar(vocabulary, recipe.grammar) if recipe.grammar is not None else None
        self._chain = _build_chain(recipe, vocabulary.size)
        if recipe.has_penalties:
            for token in prompt[-recipe.sampling.penalty_last_tokens :]:
                llama.llama_sampler_accept(self._chain, token)
        self._bias = LogitBias(recipe.sampling.logit_bias)
        top_k = recipe.sampling.top_k
        # Penalties reorder the tokens, so then the k most likely ones are not known before.
        can_shorten = 0 < top_k < vocabulary.size // 8 and recipe.sampling.temperature > 0 and not recipe.has_penalties
        self._shortlist = Shortlist(top_k) if can_shorten else None
        self._all_ids = vocabulary.ids
        self._array = llama.llama_token_data_array()
        self._pointer = ctypes.pointer(self._array)

    def choose(self, logits: FloatArray) -> int:
        """Choose the next token."""
        self._bias.add_to(logits)
        token = self._draw(logits, constrained=False)
        if self._grammar is not None and not self._allows(token):
            token = self._draw(logits, constrained=True)
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Take account of a token that was chosen elsewhere, or just now."""
        llama.llama_sampler_accept(self._chain, token)
        if self._grammar is not None:
            llama.llama_sampler_accept(self._grammar, token)

    def close(self) -> None:
        """Free the samplers; safe to call twice."""
        for sampler in (self._chain, self._grammar):
            if sampler is not None:
                llama.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _draw(self, logits: FloatArray, *, constrained: bool) -> int:
        ids = None if constrained or self._shortlist is None else self._shortlist.find(logits)
        candidates: Candidates = np.empty(len(logits) if ids is None else len(ids), _CANDIDATE)
        candidates["id"] = self._all_ids if ids is None else ids
        candidates["logit"] = logits if ids is None else logits[ids]
        self._point_at(candidates)
        if constrained:
            llama.llama_sampler_apply(self._grammar, self._pointer)
        llama.llama_sampler_apply(self._chain, self._pointer)
        chosen = self._array.data[self._array.selected]
        # Accepting a token that the grammar refuses would end the process.
        if constrained and not math.isfinite(chosen.logit):
            raise GrammarError("No token of this model fits the grammar here.", "Loosen the grammar or schema.")
        return int(chosen.id)

    def _allows(self, token: int) -> bool:
        one: Candidates = np.zeros(1, _CANDIDATE)
        one["id"] = token
        self._point_at(one)
        llama.llama_sampler_apply(self._grammar, self._pointer)
        return bool(np.isfinite(one["logit"][0]))

    def _point_at(self, candidates: Candidates) -> None:
        array = self._array
        array.data = ctypes.cast(candidates.ctypes.data, llama.llama_token_data_p)
        array.size = len(candidates)
        array.selected = -1
        array.sorted = False


def build_sampler(recipe: SamplerRecipe, vocabulary: Vocabulary, prompt: tuple[int, ...]) -> Sampler:
    """Make the sampler of one sequence.

    Raises:
        GrammarError: llama.cpp cannot compile the grammar.
    """
    if recipe.is_greedy:
        return GreedySampler(recipe.sampling.logit_bias)
    return ChainSampler(recipe, vocabulary, prompt)


def compile_grammar(vocabulary: Vocabulary, grammar: str) -> object:
    """Compile a grammar that passed the limits; the caller frees it with `llama_sampler_free`.

    Raises:
        GrammarError: it is not valid GBNF.
    """
    sampler: object = llama.llama_sampler_init_grammar(vocabulary.handle, grammar.encode("utf-8"), b"root")
    if not sampler:
        raise GrammarError("The grammar is not valid GBNF.", "Check it: llama.cpp must find a rule for every name.")
    return sampler


def check_compiles(vocabulary: Vocabulary, grammar: str) -> None:
    """Compile a grammar and throw the result away.

    Raises:
        GrammarError: it is not valid GBNF.
    """
    llama.llama_sampler_free(compile_grammar(vocabulary, grammar))


def _build_chain(recipe: SamplerRecipe, vocabulary_size: int) -> object:
    sampling = recipe.sampling
    chain: object = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())

    def add(sampler: object) -> None:
        llama.llama_sampler_chain_add(chain, sampler)

    if recipe.has_penalties:
        add(
            llama.llama_sampler_init_penalties(
                vocabulary_size,
                sampling.penalty_last_tokens,
                sampling.repeat_penalty,
                sampling.frequency_penalty,
                sampling.presence_penalty,
            )
        )
    if sampling.temperature == 0:
        add(llama.llama_sampler_init_greedy())
        return chain
    if sampling.top_k > 0:
        add(llama.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1:
        add(llama.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0:
        add(llama.llama_sampler_init_min_p(sampling.min_p, 1))
    add(llama.llama_sampler_init_temp(sampling.temperature))
    add(llama.llama_sampler_init_dist(recipe.seed))
    return chain
