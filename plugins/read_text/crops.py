"""Cut lines out of a picture and bring them to the size that a line reader takes."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.plugins.api import Picture, to_grey
from plugins.read_text.line_image import PADDING_SHARE, GreyImage, normalise_line
from plugins.read_text.lines import LineBox, find_lines

MOST_PIXELS = 12_000_000
WIDTH_STEP = 32
"""Columns; lines are padded to multiples of it, so a line's result does not depend on its neighbours in a batch."""
MOST_WIDTH = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A line of a picture.

    Attributes:
        box: left, top, right, bottom in pixels of the original.
        pixels: grey levels, shape (rows, columns), dark ink on light ground.
    """

    box: tuple[int, int, int, int]
    pixels: GreyImage


def cut_lines(picture: Picture, height: int, width: int | None) -> list[Crop]:
    """Find the lines of a picture.

    Args:
        picture: what to look at.
        height: rows of a crop.
        width: columns of a crop; None takes the next multiple of WIDTH_STEP.

    Returns:
        From top to bottom.
    """
    grey = to_grey(picture.pixels)
    if grey.size > MOST_PIXELS:
        shrink = (MOST_PIXELS / grey.size) ** 0.5
        side = (max(1, int(grey.shape[1] * shrink)), max(1, int(grey.shape[0] * shrink)))
        grey = np.asarray(Image.fromarray(grey).resize(side, Image.Resampling.BOX))
    scale = (picture.size[0] / grey.shape[1], picture.size[1] / grey.shape[0])
    return [
        Crop(_scaled(box, scale), _to_width(normalise_line(cut_line(grey, box), height), width))
        for box in find_lines(grey)
    ]


def _to_width(pixels: GreyImage, width: int | None) -> GreyImage:
    """Pad with white to a multiple of WIDTH_STEP, or to the width of the graph; squeeze what is longer."""
    rows, columns = pixels.shape
    most = width or MOST_WIDTH
    if columns > most:
        pixels, columns = np.asarray(Image.fromarray(pixels).resize((most, rows))), most
    wanted = width or columns + -columns % WIDTH_STEP
    return np.pad(pixels, ((0, 0), (0, wanted - columns)), constant_values=255)


def cut_line(grey: GreyImage, box: LineBox) -> GreyImage:
    """Cut a line out with PADDING_SHARE of its height around it, level, dark ink on light ground.

    Args:
        grey: grey levels, shape (rows, columns).
        box: where its ink is, and how it falls.
    """
    height = round(box.lower - box.upper)
    margin = round(PADDING_SHARE * height) + 1
    top, bottom = box.top, box.bottom
    if box.slope:
        middle = round((box.upper + box.lower + box.slope * (box.left + box.right)) / 2)
        half = round(height + abs(box.slope) * (box.right - box.left)) // 2 + 1
        top, bottom = middle - half, middle + half
    crop = _window(grey, box.left - margin, top - margin, box.right + margin, bottom + margin)
    if box.slope:
        cut = (crop.shape[0] - height) // 2 - margin
        crop = _levelled(crop, box.slope)[cut : cut + height + 2 * margin]
    return 255 - crop if box.light else crop


def _window(grey: GreyImage, left: int, top: int, right: int, bottom: int) -> GreyImage:
    """Cut out a part; what lies outside the image looks like its edge."""
    rows, columns = grey.shape
    inner = grey[max(0, top) : min(rows, bottom), max(0, left) : min(columns, right)]
    missing = ((max(0, -top), max(0, bottom - rows)), (max(0, -left), max(0, right - columns)))
    return np.pad(inner, missing, mode="edge")


def _levelled(crop: GreyImage, slope: float) -> GreyImage:
    """Shift columns up or down so that a line that falls by `slope` rows per column becomes level."""
    image = Image.fromarray(crop)
    plane = (1.0, 0.0, 0.0, slope, 1.0, -slope * image.width / 2)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, plane, Image.Resampling.BILINEAR))


def _scaled(box: LineBox, scale: tuple[float, float]) -> tuple[int, int, int, int]:
    x, y = scale
    return round(box.left * x), round(box.top * y), round(box.right * x), round(box.bottom * y)
