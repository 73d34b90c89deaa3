"""From a picture to the numbers a graph wants, and from places in a graph's input back to the picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.plugins.contract.vision import Picture, Pixels
from engine.plugins.imaging.spec import ImageInput

if TYPE_CHECKING:
    from PIL import Image  # takes 40 ms, which a start-up need not wait for: functions import it

CROP_SHARE: Final = 0.875  # of the shorter side; what classifiers are usually tested with (224 of 256)

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a picture a graph's input shows; it reaches beyond the picture where the input is padded.

    Attributes:
        left: in pixels of the original picture.
        top: likewise.
        width: likewise.
        height: likewise.
    """

    left: float
    top: float
    width: float
    height: float

    def box(self, corners: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
        """A place in the picture.

        Args:
            corners: left, top, right, bottom in the graph's input, as shares of its width and height.
            size: width, height of the original picture.

        Returns:
            Left, top, right, bottom in whole pixels, cut off at the edges of the picture.
        """
        left, top, right, bottom = corners
        across = sorted(self.left + share * self.width for share in (left, right))
        down = sorted(self.top + share * self.height for share in (top, bottom))
        (x0, x1), (y0, y1) = (
            [round(min(max(value, 0.0), limit)) for value in values]
            for values, limit in ((across, size[0]), (down, size[1]))
        )
        return x0, y0, x1, y1


def to_grey(pixels: Pixels) -> NDArray[np.uint8]:
    """Grey levels, shape (rows, columns), of RGB pixels, shape (rows, columns, 3), as the eye weighs colours."""
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).convert("L"))


def resize(picture: Picture, spec: ImageInput) -> tuple[Pixels, View]:
    """Bring a picture to the size of a graph's input; a free side keeps its length.

    Returns:
        RGB pixels, shape (spec.height, spec.width, 3), and which part of the picture they show.
    """
    from PIL import Image

    image = Image.fromarray(picture.pixels)
    width, height = spec.width or image.width, spec.height or image.height
    if spec.resize == "stretch" or image.size == (width, height):
        pixels, shown = _part(image, width, height, (0.0, 0.0, image.width, image.height))
    elif spec.resize == "crop":
        pixels, shown = _part(image, width, height, _middle(image, width, height))
    else:
        pixels, shown = _fit(image, width, height, spec)
    across, down = picture.size[0] / image.width, picture.size[1] / image.height
    left, top, right, bottom = shown
    return pixels, View(left * across, top * down, (right - left) * across, (bottom - top) * down)


def to_tensor(pixels: Pixels, spec: ImageInput) -> NDArray[Any]:
    """Turn pixels into a batch of one.

    Args:
        pixels: RGB, shape (rows, columns, 3), or grey, shape (rows, columns).
        spec: says order of channels and axes, mean, deviation and type.

    Returns:
        Shape (1, channels, rows, columns) or (1, rows, columns, channels), of `spec.dtype`.
    """
    if spec.channels == "L":
        values = (to_grey(pixels) if pixels.ndim == 3 else pixels)[:, :, np.newaxis]
    else:
        colours = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
        values = colours[:, :, ::-1] if spec.channels == "BGR" else colours
    scaled = values if spec.dtype == "uint8" else _normalised(values, spec)
    ordered = scaled.transpose(2, 0, 1) if spec.layout == "NCHW" else scaled
    return np.ascontiguousarray(ordered)[np.newaxis]


def _normalised(values: Pixels, spec: ImageInput) -> NDArray[Any]:
    shift, scale = np.asarray(spec.mean, dtype=np.float32), np.asarray(spec.std, dtype=np.float32)
    scaled = (values.astype(np.float32) / np.float32(255.0) - shift) / scale
    return scaled.astype(np.float16) if spec.dtype == "float16" else scaled


_Corners = tuple[float, float, float, float]


def _part(image: "Image.Image", width: int, height: int, box: _Corners) -> tuple[Pixels, _Corners]:
    from PIL import Image

    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box)), box


def _middle(image: "Image.Image", width: int, height: int) -> _Corners:
    """CROP_SHARE of the largest middle of the right aspect ratio."""
    scale = min(image.width / width, image.height / height) * CROP_SHARE
    left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
    return left, top, left + width * scale, top + height * scale


def _fit(image: "Image.Image", width: int, height: int, spec: ImageInput) -> tuple[Pixels, _Corners]:
    from PIL import Image

    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas = Image.new("RGB", (width, height), spec.border or _mean_colour(spec))
    canvas.paste(image.resize(inner, Image.Resampling.BILINEAR), (left, top))
    across, down = image.width / inner[0], image.height / inner[1]
    corners = (-left * across, -top * down, (width - left) * across, (height - top) * down)
    return np.asarray(canvas), corners


def _mean_colour(spec: ImageInput) -> tuple[int, int, int]:
    levels = [round(255 * min(max(level, 0.0), 1.0)) for level in spec.mean]
    red, green, blue = levels * 3 if spec.channels == "L" else levels[:: -1 if spec.channels == "BGR" else 1]
    return red, green, blue
