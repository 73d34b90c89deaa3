"""Areas: what a mask says is where, as a picture to lay over the picture, and as shares of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.theme import Theme
from engine.types import VisionOutput

COLOR_ROLES = ("chart-1", "chart-3", "chart-2", "chart-4", "chart-5", "chart-6", "chart-7")
_MOST_SIDE = 1024  # pixels of the overlay; a finer mask is thinned out
_ALPHA = 120
_FAINT = 40  # of areas other than the chosen one


@dataclass(frozen=True, slots=True)
class Area:
    """One kind of area: its value in the mask, its name, its share of the picture in [0, 1], the role of its colour."""

    value: int
    name: str
    share: float
    role: str


def areas_of(output: VisionOutput) -> tuple[Area, ...]:
    """The areas that a mask shows, the largest first."""
    if output.mask is None or output.mask.size == 0:
        return ()
    counts = np.bincount(_thinned(output.mask).ravel(), minlength=256)
    total = int(counts.sum())
    areas = [
        Area(value, name, int(counts[value]) / total, COLOR_ROLES[(value - 1) % len(COLOR_ROLES)])
        for value, name in enumerate(output.mask_names[:255], 1)
        if counts[value]
    ]
    return tuple(sorted(areas, key=lambda area: -area.share))


def overlay_of(output: VisionOutput, theme: Theme, chosen: int) -> QImage:
    """Paint the areas, see-through; null where there is no mask.

    Args:
        output: what was found.
        theme: where the colours come from.
        chosen: row of the area that stands out, or -1.
    """
    if output.mask is None or output.mask.size == 0:
        return QImage()
    mask = _thinned(output.mask)
    height, width = mask.shape
    image = QImage(mask.data, width, height, width, QImage.Format.Format_Indexed8)
    table = [0] * 256
    if output.detections is not None or output.lines is not None:
        chosen = -1  # the rows are something else
    for row, area in enumerate(areas_of(output)):
        color = theme.color(area.role)
        color.setAlpha(_ALPHA if chosen in (-1, row) else _FAINT)
        table[area.value] = color.rgba()
    image.setColorTable(table)
    return image.copy()  # the pixels of the first one belong to numpy


def _thinned(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(1, -(-max(mask.shape) // _MOST_SIDE))
    return np.ascontiguousarray(mask[::step, ::step])
