"""Comparing what two graphs say: against cases that can be worked out by hand."""

import numpy as np
import pytest

from engine.backends.onnx.scoring import (
    characters_right,
    compare_seen,
    compare_vectors,
    edit_distance,
    likeness_of,
    overlap,
    prefer_same,
)
from engine.types import Detection, Label, TextLine, VisionOutput


def said(**fields: object) -> VisionOutput:
    return VisionOutput(**{"task": "test", "image_size": (8, 8), **fields})  # type: ignore[arg-type]


def read(*lines: str) -> VisionOutput:
    return said(lines=tuple(TextLine(line, 0.9, (0, 0, 1, 1)) for line in lines))


def labels(*names: str) -> VisionOutput:
    return said(labels=tuple(Label(name, 0.5) for name in names))


def test_edit_distances():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == edit_distance("abc", "") == 3
    assert edit_distance("same", "same") == 0
    assert characters_right(["abcd", "efgh"], ["abcx", "efgh"]) == pytest.approx(7 / 8)
    assert characters_right(["a"], ["xyz"]) == 0.0


def test_readers_are_compared_with_what_is_there():
    score = compare_seen([read("good day"), read("hello")], [read("good day"), read("hallo")], ["good day", "hello"])
    assert (score.count, score.same) == (2, 1)
    assert score.source_right == 1.0
    assert score.result_right == pytest.approx(12 / 13)
    unknown = compare_seen([read("a b"), read("c")], [read("a b"), read("c")], [None, None])
    assert unknown.source_right is None
    assert (unknown.same, unknown.likeness) == (2, 1.0)


def test_classifiers_agree_by_their_first_label():
    score = compare_seen([labels("cat", "dog"), labels("cat")], [labels("cat", "fox"), labels("dog")], ["cat", None])
    assert (score.count, score.same, score.likeness) == (2, 1, 0.5)
    assert score.source_right is None  # it does not read


def test_detectors_agree_where_boxes_overlap():
    box = Detection("cup", 0.9, (0, 0, 10, 10))
    near, far = Detection("cup", 0.8, (1, 0, 11, 10)), Detection("cup", 0.8, (30, 0, 40, 10))
    other = Detection("pan", 0.8, (0, 0, 10, 10))
    assert overlap(box.box, near.box) == pytest.approx(90 / 110)
    assert overlap(box.box, far.box) == 0.0
    assert likeness_of(said(detections=(box,)), said(detections=(near,))) == 1.0
    assert likeness_of(said(detections=(box,)), said(detections=(far,))) == 0.0
    assert likeness_of(said(detections=(box,)), said(detections=(other,))) == 0.0
    assert likeness_of(said(detections=(box,)), said(detections=(near, far))) == pytest.approx(2 / 3)
    assert likeness_of(said(detections=()), said(detections=())) == 1.0


def test_masks_and_vectors_have_a_likeness():
    mask = np.array([[0, 1], [2, 2]], np.uint8)
    assert likeness_of(said(mask=mask), said(mask=np.array([[0, 1], [2, 0]], np.uint8))) == 0.75
    ours, theirs = np.array([3, 4], np.float32), np.array([4, 3], np.float32)
    assert likeness_of(said(features=ours), said(features=theirs)) == pytest.approx(24 / 25)
    assert prefer_same(said(features=ours), said(features=ours * 2))
    assert not prefer_same(said(features=ours), said(features=theirs))
    assert likeness_of(said(features=ours), said(mask=mask)) == 0.0


def test_embedders_agree_by_cosine_and_nearest_neighbour():
    source = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    alike = compare_vectors(source, source * 5)
    assert (alike.count, alike.same) == (3, 3)
    assert alike.likeness == pytest.approx(1.0)
    turned = compare_vectors(source, np.array([[1, 0], [0.1, 0.9], [0, 1]], np.float32))
    assert turned.same < 3
    assert turned.likeness < 0.9
