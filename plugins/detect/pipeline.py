"""Detectors: from a picture to boxes with names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.plugins.api import (
    Accepts,
    Detection,
    ImageInput,
    Json,
    ModelFacts,
    ModelFileError,
    Picture,
    Prepared,
    Recognition,
    Tensors,
    View,
    VisionOutput,
    class_names,
    image_feed,
    image_input,
    read_literal,
    resize,
    suppress_overlaps,
    to_tensor,
)
from plugins.detect.layouts import Decode, Found, gives_nothing_class, layout_of, queries, rows
from plugins.detect.names import COCO

TASK: Final = "detection"
USUAL_SIDE: Final = 640
BORDER: Final = (114, 114, 114)
"""What detectors are trained with around pictures of another shape."""
MEAN: Final = (0.485, 0.456, 0.406)
STD: Final = (0.229, 0.224, 0.225)
"""Of graphs that answer queries and know a class for nothing; the others take plain colours."""
STRIDES: Final = (8, 16, 32)
MOST_CANDIDATES: Final = 3_000
MOST_DETECTIONS: Final = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user has set.

    Attributes:
        least_score: boxes below it are left out.
        overlap: of two boxes of one class that share more of their union, the less certain one is left out.
    """

    least_score: float
    overlap: float


class Detectors:
    """Graphs that give boxes, scores and classes."""

    id = "detect"

    def __init__(self, limits: Limits) -> None:
        """Take what the user has set."""
        self._limits = limits

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take what its card or its notes call a detector, and graphs whose outputs can be nothing else."""
        confidence = _confidence(facts) if facts.format == "onnx" else 0.0
        if not confidence:
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=(TASK,), confidence=confidence)

    def open(self, facts: ModelFacts) -> "DetectionFormat":
        """Get ready to use a graph.

        Raises:
            ModelFileError: it takes no images, gives no boxes, or a field of its card is wrong.
        """
        decode = layout_of(facts)
        if decode is None:
            shown = "; ".join(f"{item.name} with {len(item.shape)} axes" for item in facts.outputs)
            raise ModelFileError(
                f"The outputs of {facts.file_name} hold no boxes: it gives {shown or 'nothing'}.",
                "Correct the task in its card, or export the model anew.",
            )
        names = class_names(facts)
        return DetectionFormat(_open_input(facts, decode, len(names)), decode, names, self._limits)


class DetectionFormat:
    """One detector."""

    def __init__(self, spec: ImageInput, decode: Decode, names: tuple[str, ...], limits: Limits) -> None:
        """Take how it is fed, how its outputs are read, and what its classes are called."""
        self._spec = spec
        self._decode = decode
        self._names = names
        self._limits = limits

    @property
    def enough_pixels(self) -> int:
        """Shorter side of a picture that can be made use of."""
        return self._spec.enough_pixels

    def prepare(self, picture: Picture) -> Prepared:
        """Make a tensor of a picture, and note which part of the picture it shows."""
        pixels, view = resize(picture, self._spec)
        notes: list[Json] = [view.left, view.top, view.width, view.height]
        return Prepared(runs=({self._spec.name: to_tensor(pixels, self._spec)},), notes=notes)

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Choose among the boxes that the graph has found.

        Raises:
            RequestError: the outputs hold no boxes.
        """
        assert isinstance(notes, list)
        view = View(*(float(side) for side in notes if isinstance(side, int | float)))
        size = (self._spec.width or 1, self._spec.height or 1)
        found = self._decode(outputs[0], size, len(self._names))
        names = self._names or (COCO if found.class_count == len(COCO) else ())
        detections = []
        for index in self._chosen(found):
            box = view.box(_corners(found, index), picture_size)
            if box[0] < box[2] and box[1] < box[3]:
                score = float(np.clip(found.scores[index], 0.0, 1.0))
                detections.append(Detection(_name(names, int(found.classes[index])), score, box))
        return VisionOutput(task=TASK, image_size=picture_size, detections=tuple(detections))

    def _chosen(self, found: Found) -> NDArray[np.int64]:
        """Indexes of the boxes to show, the most certain first."""
        sound = np.isfinite(found.corners).all(axis=1) & (found.scores >= self._limits.least_score)
        candidates = np.flatnonzero(sound)
        best = candidates[np.argsort(-found.scores[candidates], kind="stable")[:MOST_CANDIDATES]]
        if found.is_final:
            return best[:MOST_DETECTIONS].astype(np.int64)
        kept = suppress_overlaps(
            found.corners[best], found.scores[best], found.classes[best], self._limits.overlap, MOST_DETECTIONS
        )
        return best[kept].astype(np.int64)


def _corners(found: Found, index: int) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(side) for side in found.corners[index])
    return left, top, right, bottom


def _name(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else f"class {index}"


def _confidence(facts: ModelFacts) -> float:
    task = facts.card.get("task", "")
    if task or image_feed(facts) is None or layout_of(facts) is None:
        return 0.5 if task == TASK else 0.0
    noted = facts.metadata.get("task")
    if noted is not None:
        return 0.5 if noted == "detect" else 0.0
    if "stride" in facts.metadata or layout_of(facts) is not rows:
        return 0.4
    return 0.35 if _looks_like_anchors(facts) else 0.0


def _looks_like_anchors(facts: ModelFacts) -> bool:
    """Whether the first output has a place per cell of the usual grids, or the numbers of the usual classes."""
    _, first, second = facts.outputs[0].shape
    if first == 4 + len(COCO) or second in {4 + len(COCO), 5 + len(COCO)}:
        return True
    sides = image_feed(facts)
    height, width = sides.shape[2:] if sides else (None, None)
    if height is None or width is None:
        return False
    cells = sum((height // stride) * (width // stride) for stride in STRIDES)
    return bool({first, second} & {cells, 3 * cells})


def _open_input(facts: ModelFacts, decode: Decode, names: int) -> ImageInput:
    noted = read_literal(facts.metadata.get("imgsz"))
    sides = [side for side in noted if type(side) is int and 32 <= side <= 4096] if isinstance(noted, list) else []
    side = (sides[0], sides[-1]) if sides else (USUAL_SIDE, USUAL_SIDE)
    if decode is not queries:
        return image_input(facts, resize="fit", side=side, border=BORDER)
    classes = next((output.shape[-1] for output in facts.outputs if output.name.lower() == "logits"), None)
    if classes is not None and gives_nothing_class(classes, names):
        return image_input(facts, mean=MEAN, std=STD, side=(800, 800))
    return image_input(facts, side=side)
