"""Picture -> labels with scores."""

from collections.abc import Sequence

import numpy as np

from engine.plugins.api import (
    Accepts,
    FloatArray,
    ImageInput,
    Json,
    Label,
    ModelFacts,
    Picture,
    Prepared,
    Recognition,
    RequestError,
    Tensors,
    VisionOutput,
    class_names,
    image_feed,
    probabilities,
)
from plugins.classify.inputs import NOTED_TASK, gives_vectors, numbers, open_input, prepare

TASK = "classification"


class Classification:
    """Graphs that give one score per class."""

    id = "classify"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take what its card calls a classifier, and graphs without a word about them that look like one."""
        if facts.format != "onnx":
            return None
        task = facts.card.get("task", "")
        if task not in {TASK, ""} or (not task and not _looks_like_one(facts)):
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=(TASK,), confidence=0.5 if task else 0.3)

    def open(self, facts: ModelFacts) -> "ClassificationFormat":
        """Get ready to use a graph.

        Raises:
            ModelFileError: it takes no images, or a field of its card is wrong.
        """
        return ClassificationFormat(open_input(facts), class_names(facts))


class ClassificationFormat:
    """One classifier."""

    def __init__(self, spec: ImageInput, labels: tuple[str, ...]) -> None:
        """Take how it is fed, and its labels, which may be fewer than its classes, or none."""
        self._spec = spec
        self._labels = labels

    @property
    def enough_pixels(self) -> int:
        """Shorter side of a picture that can be made use of."""
        return self._spec.enough_pixels

    def prepare(self, picture: Picture) -> Prepared:
        """Make a tensor of a picture."""
        return prepare(picture, self._spec)

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Name the most likely classes.

        Raises:
            RequestError: the output is no row of scores.
        """
        output = numbers(outputs)
        if output.ndim < 2:
            raise RequestError(f"The model's output of shape {output.shape} holds no scores per image.")
        scores = probabilities(output.reshape(1, -1))[0]
        return VisionOutput(task=TASK, image_size=picture_size, labels=self._best(scores, top_k))

    def _best(self, scores: FloatArray, top_k: int) -> tuple[Label, ...]:
        best = np.argsort(-scores, kind="stable")[:top_k]
        return tuple(Label(self._name(int(index)), float(scores[index])) for index in best)

    def _name(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else f"class {index}"


def _looks_like_one(facts: ModelFacts) -> bool:
    """Whether a graph makes one number per class of an image, as far as its header says."""
    if image_feed(facts) is None or not facts.outputs:
        return False
    output = facts.outputs[0]
    if facts.metadata.get("task", NOTED_TASK) != NOTED_TASK or gives_vectors(facts):
        return False
    return output.dtype.startswith("float") and len(output.shape) != 3 and all(side == 1 for side in output.shape[2:])
