"""Samples as arrays: bounded, thinned, and with gaps where nothing is known."""

import math

import numpy as np
import pytest

from app.hardware.event_log import MOST_SHOWN, EventLog
from app.hardware.history import MOST_POINTS, History, Trace, thinned
from engine.hardware import DeviceSample, HardwareEvent, HardwareEventKind, TelemetrySample


def sample(at_s: float, used: float | None = 0.5, ours: float | None = 0.3) -> TelemetrySample:
    devices = {"cpu": DeviceSample(utilisation=used, ours=ours)}
    return TelemetrySample(at_s=at_s, devices=devices, memory_used_bytes=round(at_s), memory_ours_bytes=round(at_s / 2))


def event(at_s: float, title: str = "loaded") -> HardwareEvent:
    return HardwareEvent(at_s=at_s, kind=HardwareEventKind.LOADED, device="cpu", title=title)


def test_samples_are_taken_once():
    history = History()
    assert history.add([sample(1), sample(2)])
    assert not history.add([sample(1), sample(2)])
    assert history.add([sample(2), sample(3)])
    assert list(history.memory.window(0)[0]) == [1, 2, 3]
    assert history.newest_s == 3


def test_a_window_begins_one_sample_early_so_that_the_curve_reaches_the_edge():
    trace = Trace(60)
    for at in range(10):
        trace.add(at, at, at)
    assert list(trace.window(4.5)[0]) == [4, 5, 6, 7, 8, 9]
    assert list(trace.window(-5)[0]) == list(range(10))


def test_a_trace_never_grows_and_keeps_its_span():
    trace = Trace(60)
    room = trace._rows
    for number in range(5000):
        trace.add(number / 2, number, number)
    assert trace._rows is room
    times, ours, _ = trace.window(-math.inf)
    assert times[-1] == 2499.5
    assert times[-1] - times[0] >= 60
    assert list(ours) == list(times * 2)


def test_more_samples_than_were_thought_of_lose_the_oldest():
    trace = Trace(10)
    for number in range(10_000):
        trace.add(number / 1000, 0, 0)
    assert trace.window(-math.inf)[0][-1] == pytest.approx(9.999)


@pytest.mark.parametrize(
    ("used", "ours", "expected"),
    [(0.5, 0.3, (0.3, 0.5)), (0.5, None, (0.0, 0.5)), (None, 0.3, (0.3, 0.3)), (0.2, 0.3, (0.2, 0.2))],
)
def test_what_is_known_of_a_device_is_drawn(used, ours, expected):
    history = History()
    history.add([sample(1, used, ours)])
    _, own, both = history.device("cpu")
    assert (own[0], both[0]) == expected


def test_what_is_not_known_of_a_device_is_a_gap():
    history = History()
    history.add([sample(1), sample(2, None, None), sample(3)])
    assert list(np.isnan(history.device("cpu")[2])) == [False, True, False]
    assert len(history.device("npu:7")[0]) == 0


def test_devices_keep_a_minute_however_much_comes_at_once():
    history = History()
    history.add([sample(at / 2) for at in range(7200)])
    times = history.device("cpu")[0]
    assert times[-1] - times[0] <= 61
    assert len(history.memory.window(0)[0]) == 7200


def test_an_hour_becomes_a_few_hundred_points_that_keep_the_peaks():
    times = np.arange(0, 3600, 0.5)
    used = np.full_like(times, 5.0)
    used[3333] = 9.0
    thin_times, ours, thin_used = thinned(times, used / 2, used, 3600)
    assert len(thin_times) <= MOST_POINTS + 1
    assert thin_used.max() == 9.0
    assert ours.max() == 4.5
    assert thin_times[-1] == times[-1]


def test_thinned_curves_keep_their_shape_while_they_move():
    times = np.arange(0, 3600, 0.5)
    used = np.abs(np.sin(times / 50))
    before = thinned(times[:-200], used[:-200], used[:-200], 3600)[2]
    after = thinned(times, used, used, 3600)[2]
    assert list(after[: len(before) - 1]) == list(before[:-1])


def test_few_points_stay_as_they_are():
    times = np.arange(0, 60, 0.5)
    assert thinned(times, times, times, 60)[0] is times


def test_events_keep_their_numbers():
    log = EventLog()
    assert log.add((event(1), event(2)))
    assert not log.add((event(1), event(2)))
    assert log.add((event(2), event(3), event(3, "another at the same moment")))
    assert [(entry.number, entry.event.at_s) for entry in log.since(0)] == [(1, 1), (2, 2), (3, 3), (4, 3)]
    assert [entry.number for entry in log.since(2.5)] == [3, 4]


def test_numbers_fit_into_their_circles_and_the_list_is_bounded():
    log = EventLog()
    for at in range(250):
        log.add((event(at),))
    entries = log.since(0)
    assert len(entries) == MOST_SHOWN
    assert all(1 <= entry.number <= 99 for entry in log._events)
    assert entries[-1].event.at_s == 249
    assert len({entry.number for entry in entries}) == MOST_SHOWN
