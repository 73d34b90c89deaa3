"""Scores -> probabilities."""

from typing import Final

import numpy as np

from engine.types import FloatArray

SUM_TOLERANCE: Final = 1e-2
"""How far the outputs of a graph that ends in a softmax may be from summing to 1 (half precision)."""


def probabilities(scores: FloatArray) -> FloatArray:
    """Apply a softmax to each row, float32 of shape (rows, classes), unless the rows are probabilities already."""
    if scores.min() >= 0.0 and np.all(np.abs(scores.sum(axis=1) - 1.0) < SUM_TOLERANCE):
        return np.clip(scores, 0.0, 1.0)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(scores: FloatArray) -> FloatArray:
    """Map each score to (0, 1), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores)), dtype=np.float32)
