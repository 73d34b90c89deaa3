"""Connected components of a black-and-white image, in numpy alone.

Why not a library: the engine would carry SciPy or OpenCV for this one function. Rows are cut into runs of set pixels,
runs that touch are joined, and the joining is a few vectorised rounds instead of a loop over pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Components:
    """Bounding boxes of components, one entry per component in each array; `right` and `bottom` are exclusive."""

    left: IntArray
    top: IntArray
    right: IntArray
    bottom: IntArray
    area: IntArray

    def __len__(self) -> int:
        return len(self.left)

    @property
    def width(self) -> IntArray:
        """Columns of each."""
        return self.right - self.left

    @property
    def height(self) -> IntArray:
        """Rows of each."""
        return self.bottom - self.top

    def select(self, keep: Mask) -> "Components":
        """Keep the components where `keep`, shape (components,), is set."""
        return Components(self.left[keep], self.top[keep], self.right[keep], self.bottom[keep], self.area[keep])


def find_components(mask: Mask) -> Components:
    """Find the 8-connected components of the set pixels of `mask`, shape (rows, columns)."""
    stride = mask.shape[1] + 2
    padded = np.zeros((mask.shape[0], stride), dtype=np.int8)
    padded[:, 1:-1] = mask
    edges = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(edges == 1) + 1, np.flatnonzero(edges == -1) + 1
    label = _join(len(starts), *_touching(starts, ends, stride))
    row, first, last = starts // stride, starts % stride - 1, ends - starts // stride * stride - 1
    order = np.argsort(label, kind="stable")
    groups = np.flatnonzero(np.diff(label[order], prepend=-1))
    if not len(groups):
        return Components(*(np.empty(0, dtype=np.int64) for _ in range(5)))
    return Components(
        left=np.minimum.reduceat(first[order], groups),
        top=np.minimum.reduceat(row[order], groups),
        right=np.maximum.reduceat(last[order], groups),
        bottom=np.maximum.reduceat(row[order], groups) + 1,
        area=np.add.reduceat((last - first)[order], groups),
    )


def _touching(starts: IntArray, ends: IntArray, stride: int) -> tuple[IntArray, IntArray]:
    """Pair each run with the runs of the next row that touch it, corners included."""
    low = np.searchsorted(ends, starts + stride, side="left")
    high = np.searchsorted(starts, ends + stride, side="right")
    counts = high - low
    upper = np.repeat(np.arange(len(starts)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)
    return upper, lower


def _join(count: int, upper: IntArray, lower: IntArray) -> IntArray:
    """Give linked runs one common label: hook the larger root below the smaller, then shorten the paths."""
    label = np.arange(count)
    while True:
        a, b = label[upper], label[lower]
        if np.array_equal(a, b):
            return label
        low, high = np.minimum(a, b), np.maximum(a, b)
        np.minimum.at(label, high, low)
        while not np.array_equal(label, shorter := label[label]):
            label = shorter
