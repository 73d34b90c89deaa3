"""Battery and heat hold back work that nobody waits for."""

import pytest

from engine.scheduling.headroom import HeadroomMeter, headroom_of


@pytest.mark.parametrize(
    ("battery", "temperature", "expected"),
    [
        (None, None, 1.0),
        (None, 60.0, 1.0),
        (None, 87.5, 0.5),
        (None, 95.0, 0.0),
        (None, 110.0, 0.0),
        (19.0, 40.0, 0.0),
        (20.0, 40.0, 1.0),
        (80.0, 92.0, 0.2),
    ],
)
def test_there_is_room_while_it_is_cool_and_the_battery_lasts(battery, temperature, expected):
    assert headroom_of(battery, temperature) == pytest.approx(expected)


def test_sensors_are_read_every_few_seconds_only():
    now, reads = [100.0], []

    def temperature() -> float:
        reads.append(now[0])
        return 87.5

    meter = HeadroomMeter(temperature, lambda: None, lambda: now[0])
    assert [meter.read() for _ in range(3)] == [0.5] * 3
    now[0] += 6
    assert meter.read() == 0.5
    assert reads == [100.0, 106.0]
