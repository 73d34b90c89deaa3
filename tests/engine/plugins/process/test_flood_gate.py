"""FloodGate: a burst passes, a flood is slowed down, and then is too much."""

from engine.plugins.process.flood_gate import FloodGate


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_a_burst_passes():
    gate = FloodGate(100, 1000, 1.0, Clock())
    assert [gate.take(10) for _ in range(100)] == [0.0] * 100
    assert not gate.is_flooded()


def test_more_than_that_waits_until_it_is_the_right_rate():
    clock = Clock()
    gate = FloodGate(100, 1e9, 60.0, clock)
    for _ in range(1000):
        clock.now_s += gate.take(1)
    assert 8.5 < clock.now_s - 100 < 10


def test_bytes_count_as_well():
    clock = Clock()
    gate = FloodGate(1e9, 1000, 60.0, clock)
    assert gate.take(1000) == 0
    assert gate.take(500) == 0.5


def test_what_goes_on_for_long_is_a_flood():
    clock = Clock()
    gate = FloodGate(100, 1e9, 2.0, clock)
    while not gate.is_flooded():
        clock.now_s += gate.take(1)
    assert 102 < clock.now_s < 104


def test_a_pause_is_forgiven():
    clock = Clock()
    gate = FloodGate(100, 1e9, 2.0, clock)
    for _ in range(20):
        for _ in range(150):
            clock.now_s += gate.take(1)
        clock.now_s += 2
        gate.take(1)
        assert not gate.is_flooded()
