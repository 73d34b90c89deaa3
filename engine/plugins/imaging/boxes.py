"""Boxes: keep the most certain of those that show the same thing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.types import FloatArray


def suppress_overlaps(
    boxes: FloatArray, scores: FloatArray, classes: Sequence[int] | NDArray[np.int64], overlap: float, most: int = 300
) -> NDArray[np.int64]:
    """Choose boxes, the most certain first; of those of one class that overlap more than `overlap`, only the first.

    Args:
        boxes: float32, shape (n, 4): left, top, right, bottom.
        scores: float32, shape (n,).
        classes: shape (n,); boxes of different classes do not suppress each other.
        overlap: share of two boxes' union that both cover, in [0, 1].
        most: boxes to choose at most.

    Returns:
        Indexes of the chosen ones, int64.
    """
    order = np.argsort(-scores, kind="stable")
    kinds = np.asarray(classes)
    areas = np.maximum(boxes[:, 2] - boxes[:, 0], 0.0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0.0)
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[order, :2])
        sides = np.maximum(np.minimum(boxes[best, 2:], boxes[order, 2:]) - corner, 0.0)
        common = sides[:, 0] * sides[:, 1]
        union = np.maximum(areas[best] + areas[order] - common, np.finfo(np.float32).tiny)
        order = order[(kinds[order] != kinds[best]) | (common / union <= overlap)]
    return np.asarray(kept, dtype=np.int64)
