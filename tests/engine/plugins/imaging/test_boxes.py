"""Scores and overlapping boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plugins.api import probabilities, sigmoid, suppress_overlaps


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def test_of_boxes_of_one_thing_the_most_certain_stays():
    found = boxes((0, 0, 10, 10), (1, 1, 11, 11), (50, 50, 60, 60), (0, 0, 10, 10))
    scores = np.array([0.6, 0.9, 0.3, 0.5], np.float32)
    assert suppress_overlaps(found, scores, [0, 0, 0, 1], 0.45).tolist() == [1, 3, 2]
    assert suppress_overlaps(found, scores, [0, 0, 0, 1], 1.0).tolist() == [1, 0, 3, 2]
    assert suppress_overlaps(found, scores, [0, 0, 0, 1], 0.45, most=1).tolist() == [1]


def test_no_boxes_and_empty_boxes():
    assert suppress_overlaps(boxes(), np.empty(0, np.float32), [], 0.5).tolist() == []
    assert suppress_overlaps(boxes((1, 1, 1, 1), (1, 1, 1, 1)), np.ones(2, np.float32), [0, 0], 0.5).tolist() == [0, 1]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 40)] * 4, st.integers(0, 2)), max_size=30), st.integers(1, 9))
def test_the_chosen_do_not_overlap_and_the_others_do(rows, tenths):
    found = boxes(*[(x, y, x + w, y + h) for x, y, w, h, _ in rows])
    kinds = np.array([row[4] for row in rows], np.int64)
    scores = np.linspace(1, 0.5, len(rows), dtype=np.float32)
    kept = suppress_overlaps(found, scores, kinds, tenths / 10).tolist()
    assert kept == sorted(kept)
    for index in range(len(rows)):
        rivals = [other for other in kept if other < index and kinds[other] == kinds[index]]
        assert (index in kept) == all(overlap(found[index], found[other]) <= tenths / 10 + 1e-6 for other in rivals)


def overlap(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    common = max(width, 0) * max(height, 0)
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - common
    return common / union if union else 0.0


def test_probabilities_and_what_are_some_already():
    scores = np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, -1000.0]], np.float32)
    found = probabilities(scores)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    assert found[1].tolist() == [1.0, 0.0, 0.0]
    np.testing.assert_array_equal(probabilities(found), found)


def test_sigmoid_of_anything():
    values = sigmoid(np.array([-1e4, 0.0, 1e4], np.float32))
    assert values.tolist() == pytest.approx([0.0, 0.5, 1.0])
