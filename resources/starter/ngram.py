"""The baselines: a unigram model, and a 5-gram model with interpolated Kneser-Ney smoothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 12
"""Bits per token: five tokens of a vocabulary of 4096 fit into one 64-bit number."""

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Order:
    """The n-grams of one length as sorted numbers, their counts, and what follows each context."""

    keys: Keys
    counts: Floats
    contexts: Keys
    totals: Floats
    followers: Floats
    discount: float


class NGram:
    """Probabilities of the next token from up to ``order - 1`` tokens before it; they sum to one."""

    def __init__(self, tokens: NDArray[Any], order: int = 5, vocab: int = 1 << _BITS) -> None:
        self._vocab = vocab
        self._orders: list[_Order] = []
        keys, counts = np.unique(windows(tokens, order), return_counts=True)
        for length in range(order, 0, -1):
            self._orders.append(_make_order(keys, counts.astype(np.float64)))
            if length > 1:
                # Below the top, a count says in how many different contexts an n-gram was seen.
                suffixes = keys & np.uint64((1 << _BITS * (length - 1)) - 1)
                keys, counts = np.unique(suffixes, return_counts=True)
        self._orders.reverse()

    def nats(self, tokens: NDArray[Any]) -> Floats:
        """``-log p`` of every token after the first, ``(len(tokens) - 1,)``."""
        probability = np.full(len(tokens) - 1, 1.0 / self._vocab)
        for length, order in enumerate(self._orders, start=1):
            first = max(0, length - 2)
            keys = windows(tokens, length)
            keys = keys[1:] if length == 1 else keys
            probability[first:] = _interpolate(order, keys, probability[first:])
        return -np.log(probability)


def unigram_nats(train: NDArray[Any], tokens: NDArray[Any], vocab: int = 1 << _BITS) -> Floats:
    """``-log p`` of every token after the first by its frequency in ``train`` alone, with one added to each count."""
    counts = np.bincount(train, minlength=vocab) + 1.0
    nats: Floats = -np.log(counts / counts.sum())[tokens[1:]]
    return nats


def windows(tokens: NDArray[Any], length: int) -> Keys:
    """Every run of ``length`` tokens as one number, the first token in the highest bits."""
    wide = tokens.astype(np.uint64)
    count = len(tokens) - length + 1
    keys = np.zeros(max(0, count), dtype=np.uint64)
    for place in range(length):
        keys = (keys << np.uint64(_BITS)) | wide[place : place + count]
    return keys


def _make_order(keys: Keys, counts: Floats) -> _Order:
    contexts, starts = np.unique(keys >> np.uint64(_BITS), return_index=True)
    totals = np.add.reduceat(counts, starts)
    followers = np.diff(np.append(starts, len(keys))).astype(np.float64)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    return _Order(keys, counts, contexts, totals, followers, once / (once + 2 * twice) if twice else 0.5)


def _interpolate(order: _Order, keys: Keys, lower: Floats) -> Floats:
    place, known = _find(order.contexts, keys >> np.uint64(_BITS))
    gram, seen = _find(order.keys, keys)
    counts = np.where(seen, np.maximum(order.counts[gram] - order.discount, 0.0), 0.0)
    kept = order.discount * order.followers[place]
    # An n-gram seen once keeps 1 - discount, so all discounts together are discount * followers.
    return np.where(known, (counts + kept * lower) / order.totals[place], lower)


def _find(sorted_keys: Keys, wanted: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return place, sorted_keys[place] == wanted
