import time

import pytest

from app.moments import moment_words

NOW = time.mktime((2026, 3, 9, 15, 30, 0, 0, 0, -1))


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ((2026, 3, 9, 9, 5), "at 09:05"),
        ((2026, 3, 8, 23, 59), "8 Mar"),
        ((2025, 11, 21, 12, 0), "21 Nov 2025"),
    ],
)
def test_today_is_an_hour_and_the_rest_a_date(then: tuple[int, ...], words: str) -> None:
    at = time.mktime((*then, 0, 0, 0, -1))
    assert moment_words(at, NOW).replace("\u00a0", " ") == words
