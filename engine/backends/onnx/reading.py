"""Image -> lines of text: find the lines, read them in batches of like width, drop what is no text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from engine.backends.onnx.ctc import greedy_decode
from engine.backends.onnx.feeding import run_images
from engine.backends.onnx.images import DecodedImage
from engine.backends.onnx.line_image import PADDING_SHARE, GreyImage, normalise_line
from engine.backends.onnx.lines import LineBox, find_lines
from engine.backends.onnx.preprocess import ImageInput, to_grey
from engine.backends.onnx.session import Session
from engine.backends.onnx.softmax import probabilities
from engine.errors import ModelFileError, RequestError
from engine.types import TextLine, VisionOutput

LEAST_SCORE = 0.7
"""Mean probability of a line's characters; textures read as text have 0.67 or less in 97 of 100 cases, text has 0.8."""
LEAST_SIGN_SCORE = 0.45
"""The same for a line of one character, which may have a twin: `l` and `I`, `0` and `O` share their probability."""
ENOUGH_PIXELS = 2400
"""Shorter side of a photographed page that still shows its small print."""
MOST_PIXELS = 12_000_000
WIDTH_STEP = 32
"""Columns; lines are padded to multiples of it, so a line's result does not depend on its neighbours in a batch."""
MOST_WIDTH = 8192
MOST_BATCH_COLUMNS = 8192
"""Columns of a batch, which bounds its memory."""


@dataclass(frozen=True, slots=True, eq=False)
class _Crop:
    """A line on its way through the model: which image, where in it, and its picture."""

    image: int
    box: tuple[int, int, int, int]
    picture: GreyImage


class Reading:
    """Runs a line reader whose output is decoded by CTC."""

    def __init__(self, session: Session, spec: ImageInput, charset: str) -> None:
        """Take an open session.

        Raises:
            ModelFileError: the graph has another number of classes than the card has characters.
        """
        shape = session.outputs[0].shape
        if len(shape) != 3 or shape[-1] not in {None, len(charset) + 1}:
            raise ModelFileError(
                f"The card has {len(charset)} characters, so the graph should have {len(charset) + 1} classes in the "
                f"last of three axes, but its output has the shape {shape}.",
                "Correct the charset in the card.",
            )
        self._session = session
        self._spec = spec
        self._charset = charset

    @property
    def enough_pixels(self) -> int:
        """Enough for the small print of a page."""
        return ENOUGH_PIXELS

    def run(self, images: Sequence[DecodedImage], top_k: int) -> list[VisionOutput]:
        """Read images; the lines of all of them share batches.

        Raises:
            RequestError: the graph fails.
        """
        crops = [crop for index, image in enumerate(images) for crop in self._crops(index, image)]
        texts: dict[int, tuple[str, float]] = {}
        for batch in _batches([crop.picture for crop in crops], limit=self._session.inputs[0].shape[0]):
            texts |= zip(batch, self._read([crops[index].picture for index in batch]), strict=True)
        lines: list[list[TextLine]] = [[] for _ in images]
        for index, crop in enumerate(crops):
            text, score = texts[index]
            if text and score >= (LEAST_SCORE if len(text) > 1 else LEAST_SIGN_SCORE):
                lines[crop.image].append(TextLine(text, score, crop.box))
        return [
            VisionOutput(task="reading", image_size=image.size, lines=tuple(found))
            for image, found in zip(images, lines, strict=True)
        ]

    def _crops(self, index: int, image: DecodedImage) -> list[_Crop]:
        grey = to_grey(image.pixels)
        if grey.size > MOST_PIXELS:
            shrink = (MOST_PIXELS / grey.size) ** 0.5
            side = (max(1, int(grey.shape[1] * shrink)), max(1, int(grey.shape[0] * shrink)))
            grey = np.asarray(Image.fromarray(grey).resize(side, Image.Resampling.BOX))
        scale = (image.size[0] / grey.shape[1], image.size[1] / grey.shape[0])
        return [
            _Crop(
                index, _scaled(box, scale), self._to_width(normalise_line(cut_line(grey, box), self._spec.height or 32))
            )
            for box in find_lines(grey)
        ]

    def _to_width(self, picture: GreyImage) -> GreyImage:
        """Pad with white to a multiple of WIDTH_STEP, or to the width of the graph; squeeze what is longer."""
        rows, columns = picture.shape
        most = self._spec.width or MOST_WIDTH
        if columns > most:
            picture, columns = np.asarray(Image.fromarray(picture).resize((most, rows))), most
        wanted = self._spec.width or columns + -columns % WIDTH_STEP
        return np.pad(picture, ((0, 0), (0, wanted - columns)), constant_values=255)

    def _read(self, pictures: Sequence[GreyImage]) -> list[tuple[str, float]]:
        """Read pictures of one width."""
        colours = pictures if self._spec.channels == "L" else [np.stack([item] * 3, axis=2) for item in pictures]
        output = run_images(self._session, self._spec, colours)
        if output.ndim != 3 or output.shape[2] != len(self._charset) + 1:
            raise RequestError(f"The model's output of shape {output.shape} does not fit its card.")
        if len(output) != len(pictures):
            output = output.swapaxes(0, 1)  # time first, as recurrent models are often exported
        return [greedy_decode(probabilities(item), self._charset) for item in output]


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


def _batches(pictures: Sequence[GreyImage], limit: int | None) -> list[list[int]]:
    """Group the indexes of pictures of equal width, at most MOST_BATCH_COLUMNS (and `limit` pictures) together."""
    by_width: dict[int, list[int]] = {}
    for index, picture in enumerate(pictures):
        by_width.setdefault(picture.shape[1], []).append(index)
    batches = []
    for width, indexes in sorted(by_width.items()):
        count = limit or max(1, MOST_BATCH_COLUMNS // width)
        batches += [indexes[start : start + count] for start in range(0, len(indexes), count)]
    return batches
