"""Find lines of printed text in an image, without a model.

Ink is cut into connected components; components of letter size that follow each other from left to right form a
line, and specks (dots, accents, dashes) join the line they lie in. Blocks of solid colour with something inside, such
as buttons, are looked into as images of their own.
"""

from dataclasses import dataclass

import numpy as np

from plugins.read_text.binarize import find_ink
from plugins.read_text.components import Components, Mask, find_components
from plugins.read_text.grouping import group_letters
from plugins.read_text.line_image import GreyImage

LEAST_HEIGHT = 5  # rows; smaller print cannot be read
MOST_COMPONENTS = 10_000  # foliage and noise, not text; the largest are kept
MOST_LINES = 300
FRAME_FILL = 0.25  # share of its box that a frame covers at most
PANEL_LEAST = (12, 24)  # rows, columns
PANEL_FILL = 0.55  # of its box; the rest is what stands on it
PANEL_SIDES = 0.85  # of the middle third of each side; corners may be round
PANEL_DEPTH = 2


@dataclass(frozen=True, slots=True)
class LineBox:
    """Where a line is.

    Attributes:
        left: of its ink, in pixels of the image.
        top: likewise.
        right: likewise, exclusive.
        bottom: likewise, exclusive.
        light: light ink on dark ground.
        slope: rows by which it falls per column; 0 unless it is clearly turned.
        upper: its ink lies below the row `slope * column + upper`.
        lower: and above the row `slope * column + lower`.
    """

    left: int
    top: int
    right: int
    bottom: int
    light: bool
    slope: float
    upper: float
    lower: float

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels of the box."""
        return self.height * (self.right - self.left)


def find_lines(grey: GreyImage) -> list[LineBox]:
    """Find lines in an image, grey levels of shape (rows, columns).

    Returns:
        From top to bottom, lines of one row from left to right; at most MOST_LINES.
    """
    boxes = sorted(_search(grey, depth=0), key=lambda box: -box.area)
    return _reading_order(_without_nested(boxes[: 2 * MOST_LINES])[:MOST_LINES])


def _search(grey: GreyImage, depth: int) -> list[LineBox]:
    ink = find_ink(grey)
    boxes: list[LineBox] = []
    for mask, light in ((ink.dark, False), (ink.light, True)):
        found = find_components(mask)
        panels = _panels(found, mask)
        letters = _letters(found.select(~panels), grey.shape)
        groups = group_letters(letters, LEAST_HEIGHT)
        boxes += [LineBox(*group.box, light, group.slope, group.upper, group.lower) for group in groups]
        if depth < PANEL_DEPTH:
            boxes += _inside_panels(grey, found.select(panels), depth)
    return boxes


def _panels(found: Components, mask: Mask) -> Mask:
    """Mark solid blocks: wide, mostly filled, and filled in the middle of all four sides, unlike letters that touch."""
    rows, columns = PANEL_LEAST
    panels: Mask = (found.height >= rows) & (found.width >= columns) & (found.width > 1.5 * found.height)
    panels &= found.area > PANEL_FILL * found.width * found.height
    for i in np.flatnonzero(panels):
        block = mask[found.top[i] : found.bottom[i], found.left[i] : found.right[i]]
        across, along = (
            block[:, block.shape[1] // 3 : -block.shape[1] // 3],
            block[block.shape[0] // 3 : -block.shape[0] // 3],
        )
        sides = (across[:2], across[-2:], along[:, :2], along[:, -2:])
        panels[i] = min(float(side.mean()) for side in sides) > PANEL_SIDES
    return panels


def _inside_panels(grey: GreyImage, panels: Components, depth: int) -> list[LineBox]:
    boxes = []
    for left, top, right, bottom in zip(panels.left, panels.top, panels.right, panels.bottom, strict=True):
        if (bottom - top, right - left) == grey.shape:
            continue
        for box in _search(grey[top + 1 : bottom - 1, left + 1 : right - 1], depth + 1):
            dx, dy = int(left) + 1, int(top) + 1
            place = (box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)
            shift = dy - box.slope * dx
            boxes.append(LineBox(*place, box.light, box.slope, box.upper + shift, box.lower + shift))
    return boxes


def _letters(found: Components, shape: tuple[int, ...]) -> Components:
    """Drop specks of one pixel, rules and frames, and all but the largest of too many."""
    long_rule = (found.width > 12 * found.height) | ((found.height > 12 * found.width) & (found.height > shape[0] // 3))
    kept = found.select(~long_rule & (found.area >= 2))
    if len(kept) > MOST_COMPONENTS:
        largest = np.zeros(len(kept), dtype=np.bool_)
        largest[np.argsort(kept.area)[-MOST_COMPONENTS:]] = True
        kept = kept.select(largest)
    return kept.select(~_frames(kept))


def _frames(found: Components) -> Mask:
    """Mark hollow components with others inside; no letter holds letters."""
    frames = np.zeros(len(found), dtype=np.bool_)
    hollow = (found.area < FRAME_FILL * found.width * found.height) & (found.height >= 2 * LEAST_HEIGHT)
    large = found.height >= LEAST_HEIGHT
    for i in np.flatnonzero(hollow):
        inside = (found.left > found.left[i]) & (found.right < found.right[i]) & large
        inside &= (found.top > found.top[i]) & (found.bottom < found.bottom[i])
        frames[i] = inside.any()
    return frames


def _without_nested(boxes: list[LineBox]) -> list[LineBox]:
    """Drop what lies in a larger line: the counters of letters look like light ink on dark ground."""
    kept: list[LineBox] = []
    for box in boxes:
        if not any(_inside(box, other) for other in kept):
            kept.append(box)
    return kept


def _inside(box: LineBox, other: LineBox) -> bool:
    """Whether most of a box lies in another, and its middle between the bounds of that line (turned boxes overlap)."""
    width = min(box.right, other.right) - max(box.left, other.left)
    height = min(box.bottom, other.bottom) - max(box.top, other.top)
    if width <= 0 or height <= 0 or width * height <= 0.6 * box.area:
        return False
    fall = other.slope * (box.left + box.right) / 2
    return other.upper + fall < (box.top + box.bottom) / 2 < other.lower + fall


def _reading_order(boxes: list[LineBox]) -> list[LineBox]:
    """Sort by rows: a box belongs to a row if its middle lies within the row's first box."""
    rows: list[list[LineBox]] = []
    for box in sorted(boxes, key=lambda item: item.top + item.bottom):
        middle = (box.top + box.bottom) / 2
        if rows and rows[-1][0].top <= middle < rows[-1][0].bottom:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row, key=lambda item: item.left)]
