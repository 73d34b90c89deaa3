import threading
from datetime import datetime, timedelta

from engine.queueing import EndedRequest, Outcome
from engine.requests import Urgency
from engine.scheduling.history import History


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 4, 23, 50)

    def __call__(self) -> float:
        return self.time.timestamp()


def ended(number: int, outcome: Outcome = Outcome.DONE) -> EndedRequest:
    return EndedRequest(
        id=f"r{number}", title="t", form="text", model="m", client="", urgency=Urgency.NORMAL, outcome=outcome,
        ended_at=float(number),
    )  # fmt: skip


def test_the_newest_are_first_and_the_oldest_are_only_counted():
    history = History(most=3)
    for number in range(5):
        history.add(ended(number))
    assert [request.id for request in history.latest()] == ["r4", "r3", "r2"]
    assert [request.id for request in history.latest(2)] == ["r4", "r3"]
    assert history.latest(0) == history.latest(-1) == ()
    assert history.ended_today() == 5


def test_it_remembers_five_hundred():
    history = History()
    for number in range(600):
        history.add(ended(number))
    assert len(history.latest()) == 500
    assert history.latest()[-1].id == "r100"


def test_counting_begins_anew_at_midnight():
    clock = Clock()
    history = History(clock=clock)
    assert history.ended_today() == 0
    history.add(ended(1))
    history.add(ended(2, Outcome.FAILED))
    assert history.ended_today() == 2
    clock.time += timedelta(minutes=20)
    assert history.ended_today() == 0
    history.add(ended(3))
    assert history.ended_today() == 1
    assert len(history.latest()) == 3


def test_what_ends_on_several_threads_is_all_there():
    history = History()
    threads = [threading.Thread(target=lambda: [history.add(ended(n)) for n in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert history.ended_today() == len(history.latest()) == 400
