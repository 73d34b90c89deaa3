"""Stack images into the one input of a vision graph and run it."""

from collections.abc import Sequence

import numpy as np

from engine.backends.onnx.preprocess import ImageInput, Pixels, normalise
from engine.backends.onnx.session import Session
from engine.errors import RequestError
from engine.types import FloatArray


def run_images(session: Session, spec: ImageInput, images: Sequence[Pixels]) -> FloatArray:
    """Run images of equal size as one batch and return the graph's first output.

    Args:
        session: the graph.
        spec: how it wants its images.
        images: RGB, shape (rows, columns, 3) each, or grey, shape (rows, columns), already of the right size.

    Returns:
        float32, shape as the graph has it, with one entry per image in the batch axis.

    Raises:
        RequestError: the graph fails, or gives something other than numbers.
    """
    feed = session.inputs[0]
    if feed.dtype == "tensor(uint8)":  # such graphs scale for themselves
        batch = np.stack([_bytes(image, spec) for image in images])
    else:
        batch = np.stack([normalise(image, spec) for image in images])
    if feed.dtype == "tensor(float16)":
        batch = batch.astype(np.float16)
    missing = (feed.shape[0] or 0) - len(images)
    if missing > 0:  # the graph prescribes its batch
        batch = np.concatenate([batch, np.repeat(batch[-1:], missing, axis=0)])
    output = session.run({feed.name: batch})[0]
    if output.dtype.kind not in "fiu":
        raise RequestError(f"The model's output {session.outputs[0].name} is no array of numbers.")
    values: FloatArray = output.astype(np.float32, copy=False)
    if missing <= 0 or not values.ndim:
        return values
    return values[: len(images)] if len(values) == len(batch) else values[:, : len(images)]


def _bytes(image: Pixels, spec: ImageInput) -> Pixels:
    plain = ImageInput(
        height=None, width=None, layout=spec.layout, channels=spec.channels, resize=spec.resize,
        mean=(0.0,) * spec.depth, std=(1.0,) * spec.depth,
    )  # fmt: skip
    return np.round(normalise(image, plain) * 255.0).astype(np.uint8)
