"""Find lines of printed text in an image, without a model.

Ink is cut into connected components; components of letter size that follow each other from left to right form a
line, and specks (dots, accents, dashes) join the line they lie in. Blocks of solid colour with something inside, such
as buttons, are looked into as images of their own.
"""

from dataclasses import dataclass, replace

import numpy as np

from engine.backends.onnx.binarize import find_ink
from engine.backends.onnx.components import Components, Mask, find_components
from engine.backends.onnx.line_image import GreyImage

LEAST_HEIGHT = 5  # rows; smaller print cannot be read
MOST_COMPONENTS = 20_000  # foliage and noise, not text; the largest are kept
MOST_LINES = 300
GAP_SHARE = 1.3  # of the line's height; a wider gap starts a new line (a column, a label beside its value)
LEAST_OVERLAP = 0.4  # of the lower component's height
MOST_HEIGHT_RATIO = 3.0  # tallest to lowest neighbour: `g` to `-` is a speck, a logo beside text is not text
SPECK_SHARE = 0.45  # of the line's height; lower components never start a line if a line is near
FRAME_FILL = 0.25  # share of its box that a frame covers at most
PANEL_LEAST = (12, 24)  # rows, columns
PANEL_FILL = 0.55
PANEL_DEPTH = 2


_Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class LineBox:
    """Where a line is: its ink, in pixels of the image, right and bottom exclusive; `light` ink on dark ground."""

    left: int
    top: int
    right: int
    bottom: int
    light: bool

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top


def find_lines(grey: GreyImage) -> list[LineBox]:
    """Find lines in an image, grey levels of shape (rows, columns).

    Returns:
        From top to bottom, lines of one row from left to right; at most MOST_LINES.
    """
    boxes = _without_nested(_search(grey, depth=0))
    return _reading_order(sorted(boxes, key=lambda box: -box.height * (box.right - box.left))[:MOST_LINES])


def _search(grey: GreyImage, depth: int) -> list[LineBox]:
    ink = find_ink(grey)
    boxes: list[LineBox] = []
    for mask, light in ((ink.dark, False), (ink.light, True)):
        found = find_components(mask)
        panels = _panels(found)
        boxes += [replace(box, light=light) for box in _group(_letters(found.select(~panels), grey.shape))]
        if depth < PANEL_DEPTH:
            boxes += _inside_panels(grey, found.select(panels), depth)
    return boxes


def _panels(found: Components) -> Mask:
    rows, columns = PANEL_LEAST
    fill = found.area / np.maximum(1, found.width * found.height)
    large: Mask = (found.height >= rows) & (found.width >= columns) & (found.width > 1.5 * found.height)
    solid: Mask = large & (fill > PANEL_FILL)
    return solid


def _inside_panels(grey: GreyImage, panels: Components, depth: int) -> list[LineBox]:
    boxes = []
    for left, top, right, bottom in zip(panels.left, panels.top, panels.right, panels.bottom, strict=True):
        if (bottom - top, right - left) == grey.shape:
            continue
        for box in _search(grey[top + 1 : bottom - 1, left + 1 : right - 1], depth + 1):
            dx, dy = int(left) + 1, int(top) + 1
            boxes.append(LineBox(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy, box.light))
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


class _Line:
    """A growing line: the box of its letters, and the letter at its right end."""

    __slots__ = ("bottom", "last_bottom", "last_top", "left", "right", "specks", "top")

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top, self.right, self.bottom = left, top, right, bottom
        self.last_top, self.last_bottom = top, bottom
        self.specks: list[_Box] = []

    def follows(self, left: int, top: int, bottom: int) -> bool:
        """Whether a letter that starts at column `left` continues this line."""
        own, height = self.last_bottom - self.last_top, bottom - top
        overlap = min(self.last_bottom, bottom) - max(self.last_top, top)
        low, high = min(own, height), max(own, height)
        near = left - self.right < GAP_SHARE * (self.bottom - self.top)
        return near and overlap >= LEAST_OVERLAP * low and high <= MOST_HEIGHT_RATIO * low

    def add(self, left: int, top: int, right: int, bottom: int) -> None:
        """Take in a letter."""
        self.last_top, self.last_bottom = top, bottom
        self.left, self.right = min(self.left, left), max(self.right, right)
        self.top, self.bottom = min(self.top, top), max(self.bottom, bottom)

    def distance(self, left: int, top: int, right: int, bottom: int) -> float:
        """How far off a speck lies, in line heights: 0 within the line, infinite if it cannot belong to it."""
        height = self.bottom - self.top
        x, y = (left + right) / 2, (top + bottom) / 2
        beside = max(self.left - x, x - self.right, 0.0) / height
        above, below = max(self.top - y, 0.0) / height, max(y - self.bottom, 0.0) / height
        return beside + above + below if beside < 0.8 and above < 0.45 and below < 0.25 else float("inf")

    def box(self) -> LineBox:
        """The box of letters and specks."""
        lefts, tops, rights, bottoms = zip((self.left, self.top, self.right, self.bottom), *self.specks, strict=True)
        return LineBox(min(lefts), min(tops), max(rights), max(bottoms), light=False)


def _group(found: Components) -> list[LineBox]:
    """Chain letters into lines from left to right, then give each speck to the nearest line."""
    parts = sorted(zip(*(v.tolist() for v in (found.left, found.top, found.right, found.bottom)), strict=True))
    heights = found.height[found.height >= LEAST_HEIGHT]
    least = max(LEAST_HEIGHT, SPECK_SHARE * float(np.median(heights))) if len(heights) else LEAST_HEIGHT
    lines: list[_Line] = []
    for part in parts:
        if part[3] - part[1] >= least:
            _attach(lines, part)
    for part in parts:
        if lines and part[3] - part[1] < least:
            nearest = min(lines, key=lambda line: line.distance(*part))
            if nearest.distance(*part) < float("inf"):
                nearest.specks.append(part)
    return [line.box() for line in lines]


def _attach(lines: list[_Line], part: _Box) -> None:
    left, top, _, bottom = part
    fitting = [line for line in lines if line.follows(left, top, bottom)]
    if fitting:
        min(fitting, key=lambda line: abs(line.last_bottom - bottom)).add(*part)
    else:
        lines.append(_Line(*part))


def _without_nested(boxes: list[LineBox]) -> list[LineBox]:
    """Drop what lies in another line: the counters of letters look like light ink on dark ground."""
    kept: list[LineBox] = []
    for box in sorted(boxes, key=lambda item: -(item.right - item.left) * item.height):
        if not any(_inside(box, other) for other in kept):
            kept.append(box)
    return kept


def _inside(box: LineBox, other: LineBox) -> bool:
    width = min(box.right, other.right) - max(box.left, other.left)
    height = min(box.bottom, other.bottom) - max(box.top, other.top)
    return width > 0 and height > 0 and width * height > 0.6 * box.height * (box.right - box.left)


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
