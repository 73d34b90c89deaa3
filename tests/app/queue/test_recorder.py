"""What ran in the last twenty seconds, from looks four times a second."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.queue.recorder import Block, Kind, Recorder, Tracks
from engine.queueing import EndedRequest, LaneWork, Outcome, QueuedRequest, QueueSnapshot, RequestState
from engine.requests import Urgency

NOW = 1_790_000_000.0


def request(number: int, **changes) -> QueuedRequest:
    known = {
        "id": f"r{number}",
        "title": f"Request {number}",
        "form": "text",
        "model": "starter",
        "client": "",
        "urgency": Urgency.INTERACTIVE,
        "level": 2,
        "state": RequestState.RUNNING,
        "lane": "cpu",
    }
    return QueuedRequest(**{**known, **changes})


def ended(number: int, **changes) -> EndedRequest:
    known = {
        "id": f"r{number}",
        "title": f"Request {number}",
        "form": "text",
        "model": "starter",
        "client": "",
        "urgency": Urgency.INTERACTIVE,
        "outcome": Outcome.DONE,
        "ended_at": NOW,
        "lane": "cpu",
    }
    return EndedRequest(**{**known, **changes})


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def see(recorder: Recorder) -> Callable[..., list[Block]]:
    def look(*requests: QueuedRequest, at: float = 0.0, **changes) -> list[Block]:
        lanes = changes.pop("lanes", (LaneWork(name="cpu", device="cpu"),))
        snapshot = QueueSnapshot(requests=requests, lanes=lanes, **changes)
        recorder.see(snapshot, snapshot.running, NOW + at)
        return recorder.blocks(snapshot.waiting)

    return look


def short(blocks: list[Block]) -> list[tuple[Kind, float, float]]:
    return [(block.kind, round(block.start_s, 2), round(block.end_s, 2)) for block in blocks]


def test_one_that_runs_has_read_and_answers(see):
    blocks = see(request(1, started_s=6.0, prefilled_s=4.0, ends_in_s=3.0))
    assert short(blocks) == [(Kind.READING, -6, -4), (Kind.ANSWERING, -4, 3)]


def test_one_that_still_reads_is_going_to_answer(see):
    blocks = see(request(1, started_s=2.0, ends_in_s=3.0))
    assert short(blocks) == [(Kind.READING, -2, 0), (Kind.ANSWERING, 0, 3)]
    assert [block.is_planned for block in blocks] == [False, True]


def test_the_past_stays_when_it_has_ended(see):
    see(request(1, started_s=6.0, prefilled_s=4.0, ends_in_s=3.0))
    blocks = see(at=2.0, ended=(ended(1, ended_at=NOW + 1, total_s=7.5, waited_s=0.5, prefill_s=2.0),))
    assert short(blocks) == [(Kind.READING, -8, -6), (Kind.ANSWERING, -6, -1)]
    assert see(at=30.0, ended=(ended(1, ended_at=NOW + 1),)) == []


def test_one_that_began_and_ended_between_two_looks_is_told_by_its_timings(see):
    blocks = see(ended=(ended(1, ended_at=NOW - 1, total_s=5.0, waited_s=1.0, prefill_s=1.5),))
    assert short(blocks) == [(Kind.READING, -5, -3.5), (Kind.ANSWERING, -3.5, -1)]


def test_one_that_never_began_has_no_block(see):
    assert see(ended=(ended(1, total_s=3.0, waited_s=3.0, outcome=Outcome.CANCELLED),)) == []


def test_one_that_was_paused_has_a_gap(see):
    see(request(1, started_s=2.0, prefilled_s=2.0))
    see(request(1, started_s=3.0, prefilled_s=3.0, state=RequestState.PAUSED), at=1.0)
    blocks = see(request(1, started_s=6.0, prefilled_s=6.0, ends_in_s=1.0), at=4.0)
    assert short(blocks) == [(Kind.ANSWERING, -6, -3), (Kind.ANSWERING, 0, 1)]


def test_a_load_is_seen_while_it_lasts_and_afterwards(see):
    loading = request(1, state=RequestState.LOADING, lane="gpu:0", position=1)
    see(loading, loading={"starter": 0.0})
    blocks = see(loading, at=2.0, loading={"starter": 0.5})
    assert [(b.lane, b.title) for b in blocks] == [("gpu:0", "Load starter")]
    assert short(blocks) == [(Kind.LOADING, -2, 2)]
    assert short(see(at=5.0)) == [(Kind.LOADING, -5, 0)]


def test_a_load_that_nobody_saw_is_told_by_the_request_that_waited_for_it_once(see):
    first = ended(1, ended_at=NOW - 1, total_s=6.0, waited_s=4.0, load_s=3.0)
    second = replace(first, id="r2")
    blocks = [block for block in see(ended=(first, second)) if block.kind is Kind.LOADING]
    assert short(blocks) == [(Kind.LOADING, -6, -3)]


def test_pictures_of_one_step_are_one_block(see):
    pictures = [request(at, form="image", started_s=1.0 + at / 1000, ends_in_s=0.5) for at in range(16)]
    later = request(99, form="image", started_s=0.2, ends_in_s=1.5)
    blocks = see(*pictures, later)
    assert [(block.kind, block.count) for block in blocks] == [(Kind.PICTURES, 16), (Kind.PICTURES, 1)]


def test_plans_are_what_will_begin_in_the_next_seconds(see):
    waiting = {"state": RequestState.WAITING}
    blocks = see(
        request(1, **waiting, starts_in_s=1.0, ends_in_s=4.0),
        request(2, **waiting, starts_in_s=2.0),
        request(3, **waiting, starts_in_s=25.0),
        request(4, **waiting),
        request(5, **waiting, form="image", starts_in_s=3.0, ends_in_s=9.0, output_expected=100),
        request(6, **waiting, form="image", starts_in_s=5.0, ends_in_s=12.0),
    )
    assert short(blocks) == [(Kind.ANSWERING, 1, 4), (Kind.ANSWERING, 2, 4), (Kind.PICTURES, 3, 12)]
    assert blocks[-1].count == 101
    assert all(block.is_planned for block in blocks)


def test_nothing_is_planned_while_new_work_is_paused(see):
    assert see(request(1, state=RequestState.WAITING, starts_in_s=1.0), is_paused=True) == []


def test_ten_thousand_that_begin_at_once_are_few_blocks(see):
    waiting = [request(at, state=RequestState.WAITING, starts_in_s=1.0, ends_in_s=2.0) for at in range(10_000)]
    assert len(see(*waiting)) == 16


def block(name: str, start: float, end: float, *, is_planned: bool = False) -> Block:
    return Block(
        lane="cpu", kind=Kind.ANSWERING, start_s=start, end_s=end, request=name, is_planned=is_planned
    )  # fmt: skip


def test_what_overlaps_lies_below_and_stays_there():
    tracks = Tracks()
    assert tracks.place([block("a", -9, 2), block("b", -5, 1), block("c", 2, 4, is_planned=True)]) == [0, 1, 0]
    # `a` has ended; `b` keeps its track though the first is free, and what follows takes that
    assert tracks.place([block("b", -6, 3), block("d", -1, 3)]) == [1, 0]


def test_reading_and_answering_of_one_request_share_a_track():
    tracks = Tracks()
    assert tracks.place([block("a", -9, 2), block("b", -5, -3), block("b", -3, 4)]) == [0, 1, 1]
