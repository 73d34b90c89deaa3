"""Pace and JobControl: what a job says and hears."""

import threading

import pytest

from engine.jobs import JobControl, JobStopped
from engine.jobs.pace import Pace


def test_the_rate_is_that_of_the_last_seconds():
    pace = Pace()
    assert pace.rate(0.0) == 0.0
    for second in range(20):
        pace.note(float(second), 100 * second if second < 10 else 1000 + 10 * (second - 10))
    assert pace.rate(19.0) == pytest.approx(10.0)


def test_nothing_is_said_of_the_first_moment():
    pace = Pace()
    pace.note(0.0, 0)
    pace.note(0.1, 1000)
    assert pace.rate(0.1) == 0.0


def test_the_rate_falls_while_nothing_comes():
    pace = Pace()
    for tenth in range(11):
        pace.note(tenth / 10, 100 * tenth)
    assert pace.rate(1.5) == pytest.approx(1000)
    assert pace.rate(10.0) == pytest.approx(100)


def test_one_that_begins_again_has_a_new_rate():
    pace = Pace()
    pace.note(0.0, 0)
    pace.note(1.0, 1000)
    pace.note(2.0, 10)
    pace.note(3.0, 20)
    assert pace.rate(3.0) == pytest.approx(10)


def control() -> JobControl:
    return JobControl(lambda *_: None, lambda _spec: None)


def test_a_wait_ends_when_the_job_is_stopped():
    asked = control()
    threading.Timer(0.05, asked.stop).start()
    with pytest.raises(JobStopped):
        asked.sleep(10)
    with pytest.raises(JobStopped):
        asked.check()


def test_what_waits_without_looking_is_cut():
    asked, cuts = control(), []
    with asked.when_stopped(lambda: cuts.append("first")):
        pass
    with asked.when_stopped(lambda: cuts.append("second")):
        asked.stop()
    assert cuts == ["second"]
    with pytest.raises(JobStopped), asked.when_stopped(lambda: cuts.append("late")):
        pass
    assert cuts == ["second"]
