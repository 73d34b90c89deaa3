"""Turn pixels into the numbers a graph wants. Pure functions."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.types import FloatArray

CROP_SHARE = 0.875  # of the shorter side; what ImageNet classifiers are tested with (224 of 256)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """What a graph wants to be fed: the card where there is one, completed from the graph.

    Attributes:
        height: rows; `None` is free.
        width: columns; `None` is free.
        layout: axes of one batch.
        channels: their order, or `L` for grey levels.
        mean: of values in 0..1, one per channel.
        std: of values in 0..1, one per channel.
        resize: `stretch` to the size, `crop` the middle, or `fit` the whole image with a border of the mean colour.
    """

    height: int | None
    width: int | None
    layout: Literal["NCHW", "NHWC"]
    channels: Literal["RGB", "BGR", "L"]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Literal["stretch", "crop", "fit"]

    @property
    def depth(self) -> int:
        """Number of channels."""
        return 1 if self.channels == "L" else 3


def to_grey(pixels: Pixels) -> Pixels:
    """Grey levels, shape (rows, columns), of RGB pixels, shape (rows, columns, 3), as the eye weighs colours."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def resize(pixels: Pixels, spec: ImageInput) -> Pixels:
    """Bring RGB pixels, shape (rows, columns, 3), to (spec.height, spec.width, 3); a free side keeps its length."""
    image = Image.fromarray(pixels)
    width, height = spec.width or image.width, spec.height or image.height
    if spec.resize == "stretch" or image.size == (width, height):
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    if spec.resize == "crop":
        return _crop(image, width, height)
    return _fit(image, width, height, spec)


def normalise(pixels: Pixels, spec: ImageInput) -> FloatArray:
    """Turn pixels into one item of a batch.

    Args:
        pixels: RGB, shape (rows, columns, 3), or grey, shape (rows, columns) if `spec.channels` is `L`.
        spec: says order of channels and axes, mean and deviation.

    Returns:
        float32, shape (channels, rows, columns) or (rows, columns, channels).
    """
    if spec.channels == "L":
        values = (to_grey(pixels) if pixels.ndim == 3 else pixels)[:, :, np.newaxis]
    else:
        values = pixels[:, :, ::-1] if spec.channels == "BGR" else pixels
    shift, scale = np.asarray(spec.mean, dtype=np.float32), np.asarray(spec.std, dtype=np.float32)
    scaled: FloatArray = (values.astype(np.float32) / np.float32(255.0) - shift) / scale
    return np.ascontiguousarray(scaled.transpose(2, 0, 1) if spec.layout == "NCHW" else scaled)


def _crop(image: Image.Image, width: int, height: int) -> Pixels:
    """Cut the largest middle of the right aspect ratio, CROP_SHARE of it, and scale it."""
    scale = min(image.width / width, image.height / height) * CROP_SHARE
    left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
    box = (left, top, left + width * scale, top + height * scale)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))


def _fit(image: Image.Image, width: int, height: int, spec: ImageInput) -> Pixels:
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    levels = [round(255 * min(max(level, 0.0), 1.0)) for level in spec.mean]
    red, green, blue = levels * 3 if spec.channels == "L" else levels[:: -1 if spec.channels == "BGR" else 1]
    canvas = Image.new("RGB", (width, height), (red, green, blue))
    canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return np.asarray(canvas)
