"""CallClock: time counts, but not while Hearth is waited for."""

import pytest

from engine.plugins.process import clock as module
from engine.plugins.process.clock import CallClock


@pytest.fixture
def now(monkeypatch):
    """The time, which the test moves."""
    times = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: times[0])

    def move(seconds):
        times[0] += seconds

    return move


def test_time_counts(now):
    clock = CallClock(2.0, "did not answer")
    now(1.9)
    assert not clock.is_overdue()
    now(0.2)
    assert (clock.is_overdue(), clock.what) == (True, "did not answer")


def test_pauses_do_not_count_even_if_they_overlap(now):
    clock = CallClock(2.0, "")
    now(1)
    with clock.paused():
        now(100)
        with clock.paused():
            now(100)
        now(100)
        assert not clock.is_overdue()
    now(0.9)
    assert not clock.is_overdue()
    now(0.2)
    assert clock.is_overdue()


def test_time_counts_inside_a_pause_when_it_is_the_plugin_that_is_waited_for(now):
    clock = CallClock(2.0, "")
    with clock.paused():
        with clock.running():
            now(1.5)
        now(100)
        assert not clock.is_overdue()
        with clock.running():
            now(1)
            assert clock.is_overdue()


def test_a_cut_starts_anew_and_holds_during_pauses(now):
    clock = CallClock(10.0, "long")
    now(9)
    with clock.paused():
        clock.cut(2.0, "did not stop")
        clock.cut(50.0, "again")
        now(1.9)
        assert not clock.is_overdue()
        now(0.2)
        assert (clock.is_overdue(), clock.what) == (True, "did not stop")
    assert clock.is_overdue()
