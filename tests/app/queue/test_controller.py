"""The controller looks while it is watched, and does what it is told."""

import pytest

from app.queue import QueueController
from engine.errors import InvalidRequestError
from engine.queueing import EndedRequest, QueuedRequest
from engine.requests import Urgency


@pytest.fixture
def bench(make_bench):
    bench = make_bench()
    yield bench
    bench.controller.close()
    bench.window.deleteLater()


@pytest.fixture
def controller(bench) -> QueueController:
    return bench.controller


def test_nothing_is_looked_at_before_the_engine_is_open_or_while_nobody_looks(bench, controller):
    controller.watch(True)
    assert bench.source.looks == 0
    controller.open()
    assert bench.source.looks == 1
    assert controller._timer.isActive()
    controller.watch(False)
    assert not controller._timer.isActive()
    controller.watch(True)
    assert bench.source.looks == 2
    controller.close()
    assert not controller._timer.isActive()
    controller.refresh()
    assert bench.source.looks == 2


def test_it_looks_four_times_a_second_and_less_often_where_a_look_takes_long(bench, controller, monkeypatch):
    controller.open()
    controller.watch(True)
    assert controller._timer.interval() == 250
    clock = iter((0.0, 0.2))
    monkeypatch.setattr("app.queue.controller.time.perf_counter", lambda: next(clock))
    controller.refresh()
    assert controller._timer.interval() == 800


def test_requests_are_found_wherever_they_are(controller):
    controller.open()
    controller.refresh()
    assert isinstance(controller.find("r1"), QueuedRequest)
    assert isinstance(controller.find("r13"), QueuedRequest)
    assert isinstance(controller.find("r401"), EndedRequest)
    assert controller.find("r999") is controller.find("") is None
    assert len(controller.running) == 20
    assert controller.waiting_count == len(controller.waiting) == 6


def test_of_very_many_the_engine_says_how_many_wait(bench, controller):
    bench.source.change(waiting_count=10_000)
    controller.open()
    controller.refresh()
    assert controller.waiting_count == 10_000


def test_what_is_done_is_seen_at_once(bench, controller):
    controller.open()
    controller.set_paused(True)
    controller.set_order("fifo")
    controller.move_up("r13")
    controller.set_urgency("r13", Urgency.BATCH, 4)
    controller.cancel("r14")
    assert bench.source.calls == [
        ("pause_queue", True),
        ("set_order", "fifo"),
        ("move_up", "r13"),
        ("set_urgency", "r13", Urgency.BATCH, 4),
        ("cancel", "r14"),
    ]
    assert controller.is_paused
    assert controller.find("r13").level == 4
    assert controller.find("r14") is None


def test_what_did_not_work_is_said(bench, controller):
    said = []
    controller.failed.connect(lambda *words: said.append(words))
    controller.open()
    bench.source.error = InvalidRequestError("There is no such order.", "Choose another.")
    controller.set_order("fifo")
    assert said == [("There is no such order.", "Choose another.")]


def test_an_engine_that_closes_meanwhile_is_no_error(bench, controller):
    said = []
    controller.failed.connect(lambda *words: said.append(words))
    controller.open()
    controller.watch(True)
    bench.source.is_closed = True
    controller.refresh()
    assert not controller._timer.isActive()
    controller.cancel("r1")
    assert said == []
    assert bench.source.calls == []
