"""How the graphs of this plugin see a picture: as ImageNet's do, unless the card says otherwise."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.plugins.api import (
    FloatArray,
    ImageInput,
    ModelFacts,
    Picture,
    Prepared,
    RequestError,
    Tensors,
    image_input,
    resize,
    to_tensor,
)

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

NOTED_TASK: Final = "classify"
"""What YOLO classifiers note about themselves; they are trained on plain colours."""

VECTOR_NAMES: Final = ("embed", "feature", "pool", "hidden", "latent", "vector")
"""Parts of the names of outputs that are no scores of classes."""


def open_input(facts: ModelFacts) -> ImageInput:
    """Say how to feed a graph.

    Raises:
        ModelFileError: it takes no images, or a field of its card is wrong.
    """
    if facts.metadata.get("task") == NOTED_TASK:
        return image_input(facts, resize="crop")
    return image_input(facts, mean=IMAGENET_MEAN, std=IMAGENET_STD, resize="crop")


def prepare(picture: Picture, spec: ImageInput) -> Prepared:
    """Make the one tensor that a graph is fed."""
    pixels, _ = resize(picture, spec)
    return Prepared(runs=({spec.name: to_tensor(pixels, spec)},))


def numbers(outputs: Sequence[Tensors]) -> FloatArray:
    """The first output of the one run, float32.

    Raises:
        RequestError: it holds nothing, or something that is no finite number.
    """
    output = next(iter(outputs[0].values()))
    if not output.size or output.dtype.kind not in "fiu":
        raise RequestError(f"The model's output of shape {output.shape} holds no numbers.")
    values = np.array(output, dtype=np.float32)
    if not np.isfinite(values).all():
        raise RequestError("The model gives no finite numbers for this image.", "Look for another copy of the model.")
    return values


def gives_vectors(facts: ModelFacts) -> bool:
    """Whether the first output is named like a vector to compare pictures by."""
    name = facts.outputs[0].name.lower() if facts.outputs else ""
    return any(part in name for part in VECTOR_NAMES)
