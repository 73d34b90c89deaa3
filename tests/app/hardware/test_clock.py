"""Ages, hours and the labels of a time axis."""

import time

import pytest

from app.hardware.clock import SPANS, Clock, age_words, axis_labels, hour_of, measured_words

DAY = 86400
NOON = time.mktime((2026, 3, 14, 12, 34, 56, 0, 0, -1))


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 minute ago"),
        (150, "2 minutes ago"),
        (3600, "1 hour ago"),
        (7199, "1 hour ago"),
        (DAY, "1 day ago"),
        (2.5 * DAY, "2 days ago"),
    ],
)
def test_ages(age_s: float, said: str):
    assert plain(age_words(age_s)) == said


def test_what_was_measured_long_ago_has_a_date():
    assert plain(measured_words(NOON, NOON + 2 * DAY)) == "measured 2 days ago"
    assert plain(measured_words(NOON, NOON + 31 * DAY)) == "measured on 14 March 2026"
    assert measured_words(NOON + 10, NOON) == "measured just now"  # a clock that was put back


def test_moments_of_the_monotonic_clock_get_an_hour():
    clock = Clock(monotonic_s=100.0, wall_s=NOON)
    assert hour_of(clock.wall(100 - 34 * 60)) == "12:00"
    assert hour_of(clock.wall(100), with_seconds=True) == "12:34:56"


def test_a_minute_is_labelled_with_ages_and_more_with_hours():
    minute, ten, hour = SPANS
    assert [(place, plain(words)) for place, words in axis_labels(minute, NOON)] == [
        (0.0, "60 s"),
        (0.5, "30 s"),
        (1.0, "now"),
    ]
    assert [words for _, words in axis_labels(ten, NOON)] == ["12:24", "12:29", "12:34"]
    assert [words for _, words in axis_labels(hour, NOON)] == ["11:34", "11:49", "12:04", "12:19", "12:34"]
