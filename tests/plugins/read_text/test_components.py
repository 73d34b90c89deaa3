"""Connected components, against the textbook flood fill."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from plugins.read_text.components import find_components


def flood_fill(mask: np.ndarray) -> list[tuple[int, ...]]:
    left = set(zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True))
    boxes = []
    while left:
        stack, members = [left.pop()], []
        while stack:
            y, x = stack.pop()
            members.append((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            stack += near
        rows, columns = zip(*members, strict=True)
        boxes.append((min(columns), min(rows), max(columns) + 1, max(rows) + 1, len(members)))
    return sorted(boxes)


@settings(max_examples=150, deadline=None)
@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()))
def test_same_as_flood_fill(mask: np.ndarray) -> None:
    found = find_components(mask)
    fields = (found.left, found.top, found.right, found.bottom, found.area)
    assert sorted(zip(*(values.tolist() for values in fields), strict=True)) == flood_fill(mask)


def test_a_spiral_is_one_component() -> None:
    mask = np.zeros((41, 41), dtype=np.bool_)
    low, high = 0, 40
    while low < high:  # rings, each joined to the next by one diagonal step
        mask[low, low : high + 1] = mask[high, low : high + 1] = True
        mask[low : high + 1, low] = mask[low : high + 1, high] = True
        mask[low + 1, low + 1] = True
        low, high = low + 2, high - 2
    assert find_components(mask).area.tolist() == [int(mask.sum())]
