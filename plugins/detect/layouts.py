"""The ways in which detectors give their boxes, all brought to one.

What a graph's outputs look like is all there is to go by; exporters do not say it. Known are:

- anchors, one row or column each: middle, width, height, (a score for there being anything,) a score per class;
- final boxes in rows of six: left, top, right, bottom, score, class;
- final boxes in several outputs: boxes, scores, labels;
- queries: middle, width, height as shares of the image, and logits per class.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.plugins.api import FloatArray, ModelFacts, RequestError, Tensors, probabilities, sigmoid
from plugins.detect.names import COCO

MOST_FINAL_ROWS: Final = 1_000
"""Final boxes are few; a graph with more rows of six gives anchors of one class."""
SHARES_UP_TO: Final = 2.0
"""Places up to this are shares of the image; those of a graph that gives pixels go far beyond."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Boxes that a graph has found, in no order.

    Attributes:
        corners: float32, shape (n, 4): left, top, right, bottom as shares of the graph's input.
        scores: float32, shape (n,).
        classes: int64, shape (n,).
        class_count: how many classes the graph tells apart; 0 if it does not show.
        is_final: whether overlapping boxes have been taken out already.
    """

    corners: FloatArray
    scores: FloatArray
    classes: NDArray[np.int64]
    class_count: int
    is_final: bool


Decode = Callable[[Tensors, tuple[int, int], int], Found]
"""Makes boxes of the outputs of one image, given width and height of the input, and the number of known names."""


def layout_of(facts: ModelFacts) -> Decode | None:
    """How a graph gives its boxes; None if its outputs look like nothing known."""
    outputs = {output.name: output for output in facts.outputs}
    if _named(outputs, ("logits",)) and _named(outputs, ("pred_boxes",)):
        return queries
    if all(_named(outputs, names) for names in (_BOXES, _SCORES, _LABELS)):
        return parts
    if facts.outputs and len(facts.outputs[0].shape) == 3:
        return rows
    return None


def rows(outputs: Tensors, size: tuple[int, int], names: int) -> Found:
    """Anchors or final boxes, all in the first output: shape (1, n, numbers) or (1, numbers, n)."""
    table = _float(next(iter(outputs.values())))
    if table.ndim != 3 or table.shape[0] != 1 or min(table.shape[1:]) < 5:
        raise RequestError(f"The model's output of shape {table.shape} holds no boxes.")
    table = table[0]
    is_across = _numbers_come_first(table.shape, names)
    if is_across:
        table = table.T
    elif table.shape[1] == 6 and len(table) <= MOST_FINAL_ROWS:
        return _final(table[:, :4], table[:, 4], table[:, 5], size)
    has_objectness = _has_objectness(table.shape[1], names, is_across)
    scores = table[:, 5:] * table[:, 4:5] if has_objectness else table[:, 4:]
    if names and scores.shape[1] > names:
        scores = scores[:, :names]  # what follows belongs to masks or poses
    best = scores.argmax(axis=1)
    return Found(
        corners=_shares(_from_middles(table[:, :4]), size),
        scores=scores[np.arange(len(scores)), best],
        classes=best.astype(np.int64),
        class_count=scores.shape[1],
        is_final=False,
    )


def parts(outputs: Tensors, size: tuple[int, int], names: int) -> Found:
    """Final boxes in several outputs, with or without a batch axis, and perhaps with their number."""
    boxes, scores, labels = (_float(_required(outputs, kind)) for kind in (_BOXES, _SCORES, _LABELS))
    boxes, scores, labels = boxes.reshape(-1, boxes.shape[-1] if boxes.ndim else 1), scores.ravel(), labels.ravel()
    if boxes.shape[1] != 4 or not len(boxes) == len(scores) == len(labels):
        raise RequestError(f"The model gives {len(boxes)} boxes, but {len(scores)} scores and {len(labels)} labels.")
    count = _named(outputs, _COUNTS)
    number = int(outputs[count].ravel()[0]) if count and outputs[count].size else len(boxes)
    return _final(boxes[:number], scores[:number], labels[:number], size)


def queries(outputs: Tensors, size: tuple[int, int], names: int) -> Found:
    """Queries: logits, shape (1, n, classes), and middles as shares of the image, shape (1, n, 4)."""
    logits, boxes = _float(_required(outputs, ("logits",))), _float(_required(outputs, ("pred_boxes",)))
    if logits.ndim != 3 or logits.shape[:2] != boxes.shape[:2] or logits.shape[0] != 1 or boxes.shape[-1] != 4:
        raise RequestError(f"The model's outputs of shapes {logits.shape} and {boxes.shape} hold no boxes.")
    has_nothing = gives_nothing_class(logits.shape[2], names)
    scores = probabilities(logits[0])[:, :-1] if has_nothing else sigmoid(logits[0])
    best = scores.argmax(axis=1)
    return Found(
        corners=_from_middles(boxes[0]),
        scores=scores[np.arange(len(scores)), best],
        classes=best.astype(np.int64),
        class_count=scores.shape[1],
        is_final=True,
    )


def gives_nothing_class(classes: int, names: int) -> bool:
    """Whether the last class of a graph that answers queries stands for nothing being there."""
    return classes != (names or len(COCO))


_BOXES: Final = ("boxes", "det_boxes", "detection_boxes", "bboxes")
_SCORES: Final = ("scores", "det_scores", "detection_scores")
_LABELS: Final = ("labels", "classes", "det_classes", "detection_classes", "class_idx")
_COUNTS: Final = ("num_dets", "num_detections", "num")


def _named(outputs: Tensors | dict[str, Any], names: Sequence[str]) -> str:
    return next((name for name in outputs if name.lower() in names), "")


def _required(outputs: Tensors, names: Sequence[str]) -> NDArray[Any]:
    name = _named(outputs, names)
    if not name:
        raise RequestError(f"The model gives no {names[0]}.")
    return outputs[name]


def _float(array: NDArray[Any]) -> FloatArray:
    return np.asarray(array, dtype=np.float32)


def _numbers_come_first(shape: tuple[int, ...], names: int) -> bool:
    """Whether a table of anchors has a column per anchor."""
    fits = [names and side in {4 + names, 5 + names} for side in shape]
    if fits[0] != fits[1]:
        return bool(fits[0])
    return shape[0] < shape[1]


def _has_objectness(numbers: int, names: int, is_across: bool) -> bool:
    """Whether there is a score for there being anything, before those of the classes."""
    count = names or (len(COCO) if numbers in {4 + len(COCO), 5 + len(COCO)} else 0)
    return numbers == 5 + count if count else not is_across


def _final(boxes: FloatArray, scores: FloatArray, labels: FloatArray, size: tuple[int, int]) -> Found:
    classes = np.clip(np.nan_to_num(labels), 0, 1e6).astype(np.int64)
    return Found(_shares(boxes, size), scores, classes, class_count=0, is_final=True)


def _from_middles(boxes: FloatArray) -> FloatArray:
    """Corners of boxes given as middle, width, height."""
    half = boxes[:, 2:4] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _shares(corners: FloatArray, size: tuple[int, int]) -> FloatArray:
    if not len(corners) or np.nanmax(np.abs(corners), initial=0.0) <= SHARES_UP_TO:
        return corners
    return np.asarray(corners / np.array([*size, *size], np.float32), dtype=np.float32)
