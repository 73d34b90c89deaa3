"""Words and numbers of the page."""

import pytest

from app.queue.why_words import bound_words, facts_of, score_words, title_of
from app.queue.words import (
    FACTOR_NAMES,
    FAMILIES,
    ORDER_WORDS,
    asked_by,
    duration,
    lane_titles,
    measured,
    ordinal,
    progress_of,
    reason_of,
    running_summary,
    spelled_time,
    spoken_lane,
    starts,
    starts_in_words,
)
from engine.config import ORDERS
from engine.queueing import FACTORS, FactorPart, LaneWork, QueuedRequest, QueueSnapshot, RequestState
from engine.requests import Urgency


def request(**changes) -> QueuedRequest:
    known = {
        "id": "r1",
        "title": "A letter",
        "form": "text",
        "model": "starter",
        "client": "Chat window",
        "urgency": Urgency.INTERACTIVE,
        "level": 2,
        "state": RequestState.WAITING,
        "position": 3,
    }
    return QueuedRequest(**{**known, **changes})


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_every_order_and_every_factor_has_a_name_and_a_colour():
    assert set(ORDER_WORDS) == set(ORDERS)
    assert set(FACTOR_NAMES) == set(FACTORS)
    assert sorted(key for family in FAMILIES for key in family.keys) == sorted(FACTORS)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (0.44, "0.4 s"), (0.96, "1 s"), (73.6, "74 s"), (119.4, "119 s"), (125, "2 min"), (7300, "2 h")],
)
def test_a_time_that_goes_by(seconds: float, words: str):
    assert plain(duration(seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.0481, "48 ms"), (0.9996, "1.0 s"), (1.34, "1.3 s"), (9.96, "10 s"), (59.4, "59 s"),
     (125, "2 min 5 s"), (3599.6, "1 h 0 min"), (7320, "2 h 2 min")],
)  # fmt: skip
def test_a_time_that_was_measured(seconds: float | None, words: str):
    assert plain(measured(seconds)) == words


def test_places_in_the_queue():
    assert [ordinal(number) for number in (1, 3, 12, 13, 21, 22, 111, 1203)] == [
        "first", "third", "twelfth", "13th", "21st", "22nd", "111th", "1,203rd",
    ]  # fmt: skip


def test_who_asked():
    assert asked_by("hearth commit", Urgency.INTERACTIVE, "coder") == "Hearth commit · coder"
    assert asked_by("Recognize", Urgency.BATCH, "reader") == "Recognize, batch · reader"
    assert asked_by("", Urgency.NORMAL, "starter") == "In background · starter"
    assert asked_by("", Urgency.INTERACTIVE, "starter") == "starter"


@pytest.mark.parametrize(
    ("changes", "is_paused", "words", "clause"),
    [
        ({"starts_in_s": 0.9}, False, "in 0.9 s", "starts in 0.9 s"),
        ({"starts_in_s": 0.01}, False, "now", "starts now"),
        ({"starts_in_s": 21}, True, "paused", "new work is paused"),
        ({"urgency": Urgency.BATCH}, False, "in gaps", "starts in gaps"),
        ({}, False, "–", "nobody can say yet when it starts"),
        ({"state": RequestState.RUNNING, "ends_in_s": 3.0}, True, "in 3 s", "ends in 3 s"),
    ],
)
def test_when_it_starts(changes, is_paused, words, clause):
    it = request(**changes)
    assert plain(starts(it, is_paused=is_paused)) == words
    assert plain(starts_in_words(it, is_paused=is_paused)) == clause


def test_how_far_a_request_is():
    running = {"state": RequestState.RUNNING, "position": 0}
    reading = request(**running, prompt_done=512, prompt_tokens=1204)
    assert plain(progress_of(reading)) == "Reading the prompt, 512 of 1,204 tokens"
    writing = request(**running, prefilled_s=4.0, output_tokens=132, output_expected=400)
    assert plain(progress_of(writing)) == "Answering, 132 of about 400 tokens, 33 tok/s"
    longer = request(**running, prefilled_s=0.5, output_tokens=500, output_expected=400)
    assert plain(progress_of(longer)) == "Answering, 500 tokens"
    assert progress_of(request(**running, form="image")) == "Looking at the picture"
    texts = request(**running, form="texts", output_tokens=12, output_expected=40)
    assert progress_of(texts) == "Making vectors of texts, 12 of 40"


def test_why_it_waits():
    assert reason_of(request(reason="Its model is busy.")) == "Its model is busy."
    assert reason_of(request()) == "It waits for its turn."
    loading = request(state=RequestState.LOADING, load_progress=0.62)
    assert plain(reason_of(loading)) == "starter is being loaded, 62 %."
    assert "made ready" in reason_of(request(state=RequestState.PREPARING))


def test_lanes_have_the_names_of_their_devices():
    lanes = (
        LaneWork(name="cpu", device="cpu"),
        LaneWork(name="cpu-graphs", device="cpu"),
        LaneWork(name="gpu:0", device="gpu:0"),
        LaneWork(name="gpu:1", device="gpu:1"),
    )
    titles = lane_titles(lanes)
    assert [plain(title) for title in titles.values()] == ["CPU", "CPU pictures", "GPU 0", "GPU 1"]
    assert spoken_lane("npu:0", titles) == "NPU"  # gone meanwhile
    assert spoken_lane("cpu-graphs", {}) == "CPU pictures"
    assert spoken_lane("", titles) == ""


def test_what_runs_in_words():
    def one(form: str, lane: str) -> QueuedRequest:
        return request(form=form, lane=lane, state=RequestState.RUNNING)

    assert running_summary([]) == "nothing runs"
    assert plain(running_summary([one("text", "cpu")])) == "1 answer"
    mixed = [one("text", "cpu"), one("text", "gpu:0"), one("image", "cpu-graphs")]
    assert plain(running_summary(mixed)) == "2 answers and 1 picture on 2 devices"


def test_the_sum_adds_up_as_it_is_shown():
    parts = (FactorPart("urgency", 1, 0.355), FactorPart("wait", 74, 1 / 240))
    it = request(parts=parts, score=sum(part.points for part in parts))
    assert score_words(it) == ("0.35 + 0.31 for waiting =", "0.66")
    assert score_words(request()) == ("", "")
    assert title_of(it) == "Why third?"
    assert title_of(request(state=RequestState.RUNNING, position=0)) == "Runs now"


def test_the_promise_of_the_order():
    assert "4 minutes after" in plain(bound_words(request(), QueueSnapshot(overtaken_at_most_s=240.0)))
    assert "90 seconds after" in plain(bound_words(request(), QueueSnapshot(overtaken_at_most_s=90.0)))
    assert bound_words(request(), QueueSnapshot(overtaken_at_most_s=0.0)).startswith("Nothing that arrives after it")
    assert bound_words(request(), QueueSnapshot()) == ""
    assert bound_words(request(position=0), QueueSnapshot(overtaken_at_most_s=240.0)) == ""
    assert plain(spelled_time(240)) == "4 minutes"


def test_facts_of_one_that_runs_and_of_one_that_waits():
    running = request(state=RequestState.RUNNING, position=0, waited_s=12, started_s=9, ends_in_s=4, output_expected=8)
    facts = {name: plain(value) for name, value in facts_of(running, "GPU", is_paused=False)}
    assert (facts["Waited"], facts["Runs for"], facts["Ends"], facts["Lane"]) == ("3 s", "9 s", "in 4 s", "GPU")
    waiting = request(form="image", starts_in_s=3, ends_in_s=5)
    facts = {name: plain(value) for name, value in facts_of(waiting, "", is_paused=False)}
    assert (facts["Starts"], facts["Ends"], facts["Lane"]) == ("in 3 s", "in 5 s", "–")
    assert "Prompt" not in facts
