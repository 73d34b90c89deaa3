"""Image -> labels with scores."""

from collections.abc import Sequence

import numpy as np

from engine.backends.onnx.feeding import run_images
from engine.backends.onnx.images import DecodedImage
from engine.backends.onnx.preprocess import ImageInput, resize
from engine.backends.onnx.session import Session
from engine.backends.onnx.softmax import probabilities
from engine.errors import RequestError
from engine.types import FloatArray, Label, VisionOutput


class Classification:
    """Runs a classifier."""

    def __init__(self, session: Session, spec: ImageInput, labels: tuple[str, ...]) -> None:
        """Take an open session; `labels` may be fewer than the classes, or none."""
        self._session = session
        self._spec = spec
        self._labels = labels

    @property
    def enough_pixels(self) -> int:
        """Twice the larger side, so that a reduced JPEG is still scaled down smoothly."""
        return 2 * max(self._spec.height or 0, self._spec.width or 0)

    def run(self, images: Sequence[DecodedImage], top_k: int) -> list[VisionOutput]:
        """Classify images in one batch.

        Raises:
            RequestError: the graph fails, or its output is no row of scores per image.
        """
        output = run_images(self._session, self._spec, [resize(image.pixels, self._spec) for image in images])
        if output.ndim < 2 or len(output) != len(images) or not output[0].size:
            raise RequestError(f"The model's output of shape {output.shape} holds no scores per image.")
        scores = probabilities(output.reshape(len(images), -1))
        return [self._describe(image, row, top_k) for image, row in zip(images, scores, strict=True)]

    def _describe(self, image: DecodedImage, scores: FloatArray, top_k: int) -> VisionOutput:
        best = np.argsort(-scores, kind="stable")[:top_k]
        return VisionOutput(
            task="classification",
            image_size=image.size,
            labels=tuple(Label(self._name(int(index)), float(scores[index])) for index in best),
        )

    def _name(self, index: int) -> str:
        return self._labels[index] if index < len(self._labels) else f"class {index}"
