"""What was found in a picture, drawn onto a copy of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.backends.onnx.images import read_image
from engine.errors import EngineError
from engine.types import VisionOutput

_COLOURS = (
    "#e6194b",
    "#3cb44b",
    "#4363d8",
    "#f58231",
    "#911eb4",
    "#008080",
    "#9a6324",
    "#800000",
    "#808000",
    "#000075",
)
_MASK_SHARE = 0.5  # how much of a marked pixel is the colour of its mark


def save_drawing(image: Path, found: VisionOutput, place: Path) -> None:
    """Draw boxes with names, or a mask, onto a copy of a picture.

    Args:
        image: the picture.
        found: in it.
        place: of the copy; its ending says the format.

    Raises:
        ImageError: the picture cannot be read any more.
        EngineError: the copy cannot be written.
    """
    if place.exists() and place.resolve() == image.resolve():
        raise EngineError(f"{place} is the picture itself.", "Choose another name for the copy.")
    copy = draw(Image.fromarray(read_image(image).pixels), found)
    try:
        copy.save(place)
    except (OSError, ValueError) as error:  # ValueError: an ending that stands for no format
        raise EngineError(f"The copy cannot be saved as {place}: {error}.", "Choose another place.") from error


def draw(picture: Image.Image, found: VisionOutput) -> Image.Image:
    """Return a copy of an upright RGB picture with what was found on it."""
    copy = _marked(picture, found)
    pen = ImageDraw.Draw(copy)
    width = max(1, round(min(copy.size) / 250))
    font = ImageFont.load_default(size=max(11, round(min(copy.size) / 32)))
    for line in found.lines or ():
        pen.rectangle(line.box, outline=_colour("line"), width=width)
    for item in reversed(found.detections or ()):  # the most certain on top
        colour = _colour(item.name)
        pen.rectangle(item.box, outline=colour, width=width)
        _write(pen, (item.box[0], item.box[1]), f" {item.name} {item.score:.0%} ", colour, font)
    return copy


def _marked(picture: Image.Image, found: VisionOutput) -> Image.Image:
    if found.mask is None:
        return picture.copy()
    palette = np.array([(0, 0, 0), *(_rgb(_colour(name)) for name in found.mask_names)], np.uint8)
    mask = np.asarray(Image.fromarray(found.mask).resize(picture.size, Image.Resampling.NEAREST))
    pixels = np.array(picture)
    marked = mask > 0
    pixels[marked] = (pixels[marked] * (1 - _MASK_SHARE) + palette[mask[marked]] * _MASK_SHARE).astype(np.uint8)
    return Image.fromarray(pixels)


def _write(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, colour: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:  # fmt: skip
    left, _, right, bottom = pen.textbbox((0, 0), text, font=font)
    x, y = corner[0], max(0, round(corner[1] - bottom))
    pen.rectangle((x + left, y, x + right, y + bottom), fill=colour)
    pen.text((x, y), text, fill="white", font=font)


def _colour(name: str) -> str:
    """The same colour for the same name, always."""
    return _COLOURS[hashlib.blake2b(name.encode("utf-8", "replace")).digest()[0] % len(_COLOURS)]


def _rgb(colour: str) -> Sequence[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
