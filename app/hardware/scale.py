"""Scale: the numbers beside a chart, and where the marks of a time axis stand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.usage import GIB, NBSP

_STEPS_GB: Final = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024)
_MOST_STEPS: Final = 4
MOST_MARK_ROWS: Final = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from zero upwards.

    Attributes:
        top: value at the upper end.
        ticks: value and words of each label, from below; the last one carries the unit.
    """

    top: float
    ticks: tuple[tuple[float, str], ...]


PERCENT: Final = Scale(1.0, ((0.0, "0"), (0.5, "50"), (1.0, f"100{NBSP}%")))


def memory_scale(total_bytes: float) -> Scale:
    """Round steps up to at least the memory of a machine, four at most."""
    total = max(total_bytes / GIB, _STEPS_GB[0])
    step = next((each for each in _STEPS_GB if math.ceil(total / each - 0.01) <= _MOST_STEPS), _STEPS_GB[-1])
    count = math.ceil(total / step - 0.01)
    ticks = [(number * step * GIB, f"{number * step:g}") for number in range(count + 1)]
    value, words = ticks[-1]
    return Scale(value, (*ticks[:-1], (value, f"{words}{NBSP}GB")))


def mark_rows(places: Sequence[float], least: float) -> list[int]:
    """In which row each mark stands, so that no two overlap; in the last row they may.

    Args:
        places: ascending, in pixels.
        least: distance that two marks need in a row.
    """
    last = [-math.inf] * MOST_MARK_ROWS
    rows = []
    for place in places:
        row = next((number for number, taken in enumerate(last) if place - taken >= least), MOST_MARK_ROWS - 1)
        last[row] = place
        rows.append(row)
    return rows
