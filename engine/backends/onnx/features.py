"""Image -> raw output vector."""

from collections.abc import Sequence

from engine.backends.onnx.feeding import run_images
from engine.backends.onnx.images import DecodedImage
from engine.backends.onnx.preprocess import ImageInput, resize
from engine.backends.onnx.session import Session
from engine.errors import RequestError
from engine.types import VisionOutput


class Features:
    """Runs a graph and returns its first output as it is."""

    def __init__(self, session: Session, spec: ImageInput) -> None:
        """Take an open session."""
        self._session = session
        self._spec = spec

    @property
    def enough_pixels(self) -> int:
        """Twice the larger side, so that a reduced JPEG is still scaled down smoothly."""
        return 2 * max(self._spec.height or 0, self._spec.width or 0)

    def run(self, images: Sequence[DecodedImage], top_k: int) -> list[VisionOutput]:
        """Run images in one batch.

        Raises:
            RequestError: the graph fails, or its output has no row per image.
        """
        output = run_images(self._session, self._spec, [resize(image.pixels, self._spec) for image in images])
        if not output.ndim or len(output) != len(images):
            raise RequestError(f"The model's output of shape {output.shape} has no row per image.")
        return [
            VisionOutput(task="features", image_size=image.size, features=row.reshape(-1).copy())
            for image, row in zip(images, output, strict=True)
        ]
