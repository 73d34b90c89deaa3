"""Chain the letters of an image into lines.

Letters are taken from left to right. Each goes on a line whose end it lies beside, or starts one; specks (dots,
accents, dashes) then join the line they are nearest to, and pieces of a line that only specks held apart are joined.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plugins.read_text.components import Components

GAP_SHARE = 1.3  # of the line's height; a wider gap starts a new line (a column, a label beside its value)
LEAST_OVERLAP = 0.4  # of the lower of two neighbours
MOST_HEIGHT_RATIO = 3.0  # of two neighbours; a logo beside text is not text
LOW_SHARE, LOW_OVERLAP = (
    0.55,
    0.7,
)  # a letter lower than that share of its line must lie in it with that share of its own
LAST_LETTERS = 4
HIGH_SIGN_SHARE = 0.7  # of the line's height; quotes, commas and stars are lower
SPECK_SHARE = 0.45  # of the median height
SPECK_BESIDE, SPECK_ABOVE, SPECK_BELOW = 0.8, 0.45, 0.4  # how far off its line a speck may be, in line heights
LEAST_FEET, MOST_FEET = 6, 60  # letters that a slope is measured on
LEAST_SLOPE = 0.01  # rows per column, half a degree; less does no harm

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels; right and bottom exclusive."""


@dataclass(frozen=True, slots=True)
class Group:
    """A line.

    Attributes:
        box: around its ink.
        slope: rows by which it falls per column; 0 unless it is clearly turned.
        upper: its ink lies below the row `slope * column + upper`.
        lower: and above the row `slope * column + lower`.
    """

    box: Box
    slope: float
    upper: float
    lower: float


def group_letters(found: Components, least_height: int) -> list[Group]:
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
    return _joined(
        _with_specks([_level(line) for line in lines], [part for part in parts if part[3] - part[1] < least])
    )


def _level(line: "_Line") -> Group:
    fall = slope(line.letters)
    upper = min(top - fall * (left + right) / 2 for left, top, right, _ in line.letters)
    lower = max(bottom - fall * (left + right) / 2 for left, _, right, bottom in line.letters)
    return Group(line.box, fall, upper, lower)


def slope(letters: Sequence[Box]) -> float:
    """Estimate how a line falls, in rows per column: the median slope between the feet of any two letters.

    Source: Theil 1950 and Sen 1968; descenders and commas are outliers that a median does not mind.
    """
    boxes = np.array(letters[:: max(1, len(letters) // MOST_FEET)], dtype=np.float64)
    x, feet = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
    first, second = np.triu_indices(len(boxes), k=1)
    apart = x[second] - x[first]
    far = apart > 2 * float(np.median(boxes[:, 3] - boxes[:, 1]))
    if len(boxes) < LEAST_FEET or not far.any():
        return 0.0
    found = float(np.median((feet[second] - feet[first])[far] / apart[far]))
    return found if abs(found) > LEAST_SLOPE else 0.0


class _Line:
    """A growing line: its letters, their box, and what decides where it goes on, kept up to date for speed.

    `end_top` and `end_bottom` bound the last few letters, as the whole box says little where a line is turned;
    `last_top` and `last_bottom` are those of the last letter that is not low; `reach` is the last column where a letter
    can start.
    """

    __slots__ = (
        "bottom", "end_bottom", "end_top", "last_bottom", "last_top", "left", "letters", "reach", "right", "top",
    )  # fmt: skip

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top, self.right, self.bottom = left, top, right, bottom
        self.last_top = self.end_top = top
        self.last_bottom = self.end_bottom = bottom
        self.letters: list[Box] = []
        self.add(left, top, right, bottom)

    @property
    def box(self) -> Box:
        """Around all letters."""
        return self.left, self.top, self.right, self.bottom

    def fits(self, top: int, bottom: int) -> bool:
        """Whether a letter between these rows can go on this line."""
        height = bottom - top
        if height < LOW_SHARE * (self.end_bottom - self.end_top):  # a quote beside an `e` touches the line, not the `e`
            return min(self.end_bottom, bottom) - max(self.end_top, top) >= LOW_OVERLAP * height
        own = self.last_bottom - self.last_top
        overlap = min(self.last_bottom, bottom) - max(self.last_top, top)
        return overlap >= LEAST_OVERLAP * min(own, height) and max(own, height) <= MOST_HEIGHT_RATIO * min(own, height)

    def add(self, left: int, top: int, right: int, bottom: int) -> None:
        """Take in a letter; a low one does not say where the line goes on."""
        if bottom - top >= LOW_SHARE * (self.end_bottom - self.end_top):
            self.last_top, self.last_bottom = top, bottom
        self.letters.append((left, top, right, bottom))
        self.left, self.right = min(self.left, left), max(self.right, right)
        self.top, self.bottom = min(self.top, top), max(self.bottom, bottom)
        end = self.letters[-LAST_LETTERS:]
        self.end_top, self.end_bottom = min(letter[1] for letter in end), max(letter[3] for letter in end)
        self.reach = self.right + GAP_SHARE * (self.end_bottom - self.end_top)


def _chain(letters: list[Box]) -> list[_Line]:
    """Chain letters, sorted by their left edge; lines that end too far to the left are looked at no more."""
    lines: list[_Line] = []
    growing: list[_Line] = []
    for letter in letters:
        left, top, _, bottom = letter
        growing = [line for line in growing if left < line.reach]
        fitting = [line for line in growing if line.fits(top, bottom)]
        if fitting:
            min(fitting, key=lambda line: abs(line.last_bottom - bottom)).add(*letter)
        else:
            lines.append(_Line(*letter))
            growing.append(lines[-1])
    return lines


def _with_specks(groups: list[Group], specks: list[Box]) -> list[Group]:
    """Give each speck to the line it is nearest to, if it is near one."""
    boxes = np.array([group.box for group in groups])
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
    return [_grown(group, box) for group, box in zip(groups, grown.tolist(), strict=True)]


def _grown(group: Group, box: list[int]) -> Group:
    """Widen a line to a box; the bounds of a turned line stay, as its specks lie well within them."""
    left, top, right, bottom = box
    if group.slope:
        return replace(group, box=(left, top, right, bottom))
    return Group((left, top, right, bottom), 0.0, top, bottom)


def _joined(groups: list[Group]) -> list[Group]:
    """Join lines that go on where another ends, on the same rows; the longer one says how they fall."""
    done: list[Group] = []
    growing: list[Group] = []
    for group in sorted(groups, key=lambda item: item.box):
        box = group.box
        done += [other for other in growing if not _reaches(other.box, box)]
        growing = [other for other in growing if _reaches(other.box, box)]
        match = next((index for index, other in enumerate(growing) if _same_rows(other.box, box)), None)
        if match is None:
            growing.append(group)
        else:
            growing[match] = _union(growing[match], group)
    return done + growing


def _union(first: Group, second: Group) -> Group:
    a, b = first.box, second.box
    longer = max(first, second, key=lambda group: group.box[2] - group.box[0])
    return _grown(longer, [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])])


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
