"""Times in words: ages, hours of the day, and what stands below a time axis."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Span:
    """A length of history that can be shown.

    Attributes:
        title: on the button.
        length_s: how much is shown.
        in_words: at the end of a sentence: "in the last minute".
        step_s: distance of the labels below the axis; they are hours of the day, or ages for a span of a minute.
    """

    title: str
    length_s: float
    in_words: str
    step_s: float


SPANS: Final = (
    Span("1 min", _MINUTE, "in the last minute", 30),
    Span("10 min", 10 * _MINUTE, "in the last 10 minutes", 5 * _MINUTE),
    Span("1 h", _HOUR, "in the last hour", 15 * _MINUTE),
)
LONGEST_S: Final = SPANS[-1].length_s


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks read at once, so that moments of the monotonic one get an hour of the day.

    Attributes:
        monotonic_s: as in samples and events.
        wall_s: seconds since 1970.
    """

    monotonic_s: float
    wall_s: float

    def wall(self, at_s: float) -> float:
        """Seconds since 1970 at a moment of the monotonic clock."""
        return self.wall_s - (self.monotonic_s - at_s)


ReadClock = Callable[[], Clock]


def read_clock() -> Clock:
    """Read both clocks now."""
    return Clock(time.monotonic(), time.time())


def hour_of(wall_s: float, *, with_seconds: bool = False) -> str:
    """Hour and minute of a moment in local time, such as `09:52`."""
    return time.strftime("%H:%M:%S" if with_seconds else "%H:%M", time.localtime(wall_s))


def axis_labels(span: Span, wall_s: float) -> tuple[tuple[float, str], ...]:
    """What stands below a time axis.

    Args:
        span: what is shown.
        wall_s: the moment at its right end, in seconds since 1970.

    Returns:
        Place of each label from 0 (left) to 1 (right), and its words.
    """
    count = round(span.length_s / span.step_s)
    ages = [span.length_s - number * span.step_s for number in range(count + 1)]
    if span.length_s <= _MINUTE:
        words = [f"{age:.0f}\u00a0s" if age else "now" for age in ages]
    else:
        words = [hour_of(wall_s - age) for age in ages]
    return tuple((number / count, said) for number, said in enumerate(words))


def age_words(age_s: float) -> str:
    """How long ago something was, in the unit that fits: "2 days ago"."""
    if age_s < _MINUTE:
        return "just now"
    for unit_s, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if age_s >= unit_s:
            count = int(age_s // unit_s)
            return f"{count}\u00a0{name}{'' if count == 1 else 's'} ago"
    raise AssertionError


def measured_words(measured_at: float, now: float) -> str:
    """When something was measured: how long ago, or the date after a month; both in seconds since 1970."""
    age_s = max(0.0, now - measured_at)
    if age_s < _MONTH_DAYS * _DAY:
        return f"measured {age_words(age_s)}"
    date = time.localtime(measured_at)
    return f"measured on {date.tm_mday}\u00a0{time.strftime('%B', date)} {date.tm_year}"
