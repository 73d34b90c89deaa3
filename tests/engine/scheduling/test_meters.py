"""How busy a lane is."""

import pytest

from engine.scheduling.meters import RATE_WINDOW_S, SLOW_WINDOW_S, LaneMeter


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_older_than_the_window_does_not_count():
    clock = Clock()
    meter = LaneMeter(clock)
    assert (meter.tokens_per_s, meter.images_per_s, meter.busy) == (0, 0, 0)
    meter.note_tokens(8)
    meter.note_images(6)
    meter.note_step(0.5)
    assert meter.tokens_per_s == pytest.approx(8 / RATE_WINDOW_S)
    assert meter.images_per_s == pytest.approx(6 / SLOW_WINDOW_S)
    assert meter.busy == pytest.approx(0.5 / SLOW_WINDOW_S)
    clock.now += RATE_WINDOW_S + 0.01
    assert meter.tokens_per_s == 0
    assert meter.images_per_s == 3
    clock.now += SLOW_WINDOW_S
    assert (meter.images_per_s, meter.busy) == (0, 0)


def test_a_long_step_is_not_more_than_all_of_the_time():
    meter = LaneMeter(Clock())
    meter.note_step(60)
    assert meter.busy == 1
