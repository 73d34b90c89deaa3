"""Chain the letters of an image into lines.

Letters are taken from left to right. Each goes on a line whose end it lies beside, or starts one; specks (dots,
accents, dashes) then join the line they are nearest to, and pieces of a line that only specks held apart are joined.
"""

import numpy as np

from engine.backends.onnx.components import Components

GAP_SHARE = 1.3  # of the line's height; a wider gap starts a new line (a column, a label beside its value)
LEAST_OVERLAP = 0.4  # of the lower of two neighbours
MOST_HEIGHT_RATIO = 3.0  # of two neighbours; a logo beside text is not text
LOW_SHARE, LOW_OVERLAP = (
    0.55,
    0.7,
)  # a letter lower than that share of its line must lie in it with that share of its own
HIGH_SIGN_SHARE = 0.7  # of the line's height; quotes, commas and stars are lower
SPECK_SHARE = 0.45  # of the median height
SPECK_BESIDE, SPECK_ABOVE, SPECK_BELOW = 0.8, 0.45, 0.4  # how far off its line a speck may be, in line heights

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels; right and bottom exclusive."""


def group_letters(found: Components, least_height: int) -> list[Box]:
    """Group components into lines, in no order.

    Args:
        found: components of one polarity.
        least_height: rows; lower components never start a line.
    """
    columns = (values.tolist() for values in (found.left, found.top, found.right, found.bottom))
    parts: list[Box] = sorted(zip(*columns, strict=True))
    heights = found.height[found.height >= least_height]
    if not len(heights):
        return []
    least = max(float(least_height), SPECK_SHARE * float(np.median(heights)))
    lines = _chain([part for part in parts if part[3] - part[1] >= least])
    boxes = _with_specks(lines, [part for part in parts if part[3] - part[1] < least])
    return _joined(boxes)


class _Line:
    """A growing line: the box of its letters, and the letter at its right end."""

    __slots__ = ("bottom", "last_bottom", "last_top", "left", "right", "top")

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top, self.right, self.bottom = left, top, right, bottom
        self.last_top, self.last_bottom = top, bottom

    def reaches(self, left: int) -> bool:
        """Whether a letter that starts at column `left` is near enough."""
        return left - self.right < GAP_SHARE * (self.bottom - self.top)

    def fits(self, top: int, bottom: int) -> bool:
        """Whether a letter between these rows can go on this line."""
        height = bottom - top
        if height < LOW_SHARE * (self.bottom - self.top):  # a quote beside an `e` touches the line, not the letter
            return min(self.bottom, bottom) - max(self.top, top) >= LOW_OVERLAP * height
        own = self.last_bottom - self.last_top
        overlap = min(self.last_bottom, bottom) - max(self.last_top, top)
        return overlap >= LEAST_OVERLAP * min(own, height) and max(own, height) <= MOST_HEIGHT_RATIO * min(own, height)

    def add(self, left: int, top: int, right: int, bottom: int) -> None:
        """Take in a letter; a low one does not say where the line goes on."""
        if bottom - top >= LOW_SHARE * (self.bottom - self.top):
            self.last_top, self.last_bottom = top, bottom
        self.left, self.right = min(self.left, left), max(self.right, right)
        self.top, self.bottom = min(self.top, top), max(self.bottom, bottom)


def _chain(letters: list[Box]) -> list[_Line]:
    """Chain letters, sorted by their left edge; lines that end too far to the left are looked at no more."""
    done: list[_Line] = []
    growing: list[_Line] = []
    for left, top, right, bottom in letters:
        done += [line for line in growing if not line.reaches(left)]
        growing = [line for line in growing if line.reaches(left)]
        fitting = [line for line in growing if line.fits(top, bottom)]
        if fitting:
            min(fitting, key=lambda line: abs(line.last_bottom - bottom)).add(left, top, right, bottom)
        else:
            growing.append(_Line(left, top, right, bottom))
    return done + growing


def _with_specks(lines: list[_Line], specks: list[Box]) -> list[Box]:
    """Give each speck to the line it is nearest to, if it is near one; the result has a box for each line."""
    boxes = np.array([(line.left, line.top, line.right, line.bottom) for line in lines])
    grown = boxes.copy()
    left, top, right, bottom = boxes.T
    height = bottom - top
    for speck in specks:
        x, y = (speck[0] + speck[2]) / 2, (speck[1] + speck[3]) / 2
        beside = np.maximum(np.maximum(left - x, x - right), 0.0) / height
        above, below = np.maximum(top - y, 0.0) / height, np.maximum(y - bottom, 0.0) / height
        near = (beside < SPECK_BESIDE) & (above < SPECK_ABOVE) & (below < SPECK_BELOW)
        nearest = int(np.argmin(np.where(near, beside + above + below, np.inf)))
        if near[nearest]:
            grown[nearest, :2] = np.minimum(grown[nearest, :2], speck[:2])
            grown[nearest, 2:] = np.maximum(grown[nearest, 2:], speck[2:])
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in grown]


def _joined(boxes: list[Box]) -> list[Box]:
    """Join boxes that go on where another ends, on the same rows."""
    done: list[Box] = []
    growing: list[Box] = []
    for box in sorted(boxes):
        done += [other for other in growing if not _reaches(other, box)]
        growing = [other for other in growing if _reaches(other, box)]
        match = next((index for index, other in enumerate(growing) if _same_rows(other, box)), None)
        if match is None:
            growing.append(box)
        else:
            other = growing[match]
            growing[match] = (other[0], min(other[1], box[1]), max(other[2], box[2]), max(other[3], box[3]))
    return done + growing


def _reaches(line: Box, box: Box) -> bool:
    return box[0] - line[2] < GAP_SHARE * (line[3] - line[1])


def _same_rows(line: Box, box: Box) -> bool:
    low, high = sorted((line, box), key=lambda item: item[3] - item[1])
    low_height, height = low[3] - low[1], high[3] - high[1]
    gap = box[0] - line[2]
    if low_height < HIGH_SIGN_SHARE * height and low[2] - low[0] < height:  # a quote, a comma, a star
        middle = (low[1] + low[3]) / 2
        above, below = high[1] - middle, middle - high[3]
        return gap < SPECK_BESIDE * height and above < SPECK_ABOVE * height and below < SPECK_BELOW * height
    overlap = min(low[3], high[3]) - max(low[1], high[1])
    return overlap >= LOW_OVERLAP * low_height and height <= 2 * low_height and gap < GAP_SHARE * low_height
