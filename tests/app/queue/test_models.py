"""Tables that change in place."""

import random

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QTableView

from app.queue.finished_model import ENDED, FIRST, LOAD, OUTCOME, OUTPUT, REQUEST, SPEED, TOTAL, FinishedModel
from app.queue.request_model import NUMBER, SCORE, STARTS, WAITED, Listing, RequestModel
from engine.queueing import EndedRequest, FactorPart, Outcome, QueuedRequest, RequestState
from engine.requests import Urgency


def request(number: int, position: int = 1, **changes) -> QueuedRequest:
    known = {
        "id": f"r{number}",
        "title": f"Request {number}",
        "form": "text",
        "model": "starter",
        "client": "Chat window",
        "urgency": Urgency.INTERACTIVE,
        "level": 2,
        "state": RequestState.WAITING,
    }
    return QueuedRequest(position=position, **{**known, **changes})


def ended(**changes) -> EndedRequest:
    known = {
        "id": "r1",
        "title": "A letter",
        "form": "text",
        "model": "starter",
        "client": "Chat window",
        "urgency": Urgency.INTERACTIVE,
        "outcome": Outcome.DONE,
        "ended_at": 1_790_000_000.0,
    }
    return EndedRequest(**{**known, **changes})


@pytest.fixture
def model(qapp):
    model = RequestModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield model
    del tester


def texts(model, column: int, role=Qt.ItemDataRole.DisplayRole) -> list[str]:
    said = [model.index(row, column).data(role) for row in range(model.rowCount())]
    return [words.replace("\u00a0", " ") for words in said]


def test_rows_say_place_times_and_reason(model):
    model.show([request(1, waited_s=74, starts_in_s=0.4, reason="It can join.")], is_paused=False)
    assert [texts(model, column) for column in (NUMBER, WAITED, SCORE, STARTS)] == [
        ["1"], ["74 s"], ["It can join."], ["in 0.4 s"],
    ]  # fmt: skip
    said = texts(model, NUMBER, Qt.ItemDataRole.AccessibleTextRole)
    assert said == ["first in the queue: Request 1, Chat window · starter"]
    model.show([request(1, waited_s=74, starts_in_s=0.4)], is_paused=True)
    assert texts(model, STARTS) == ["paused"]


def test_the_score_is_read_with_its_sentence(model):
    parts = (FactorPart("urgency", 1.0, 0.27, "interactive"), FactorPart("work", 0.0, 0.1))
    model.show([request(1, parts=parts, score=1.34, reason="It is urgent.")], is_paused=False)
    assert model.scale == 1.34
    assert model.has_scores
    assert texts(model, SCORE, Qt.ItemDataRole.AccessibleTextRole) == ["Score 1.34. It is urgent."]
    assert texts(model, SCORE, Qt.ItemDataRole.ToolTipRole) == ["It is urgent.\nUrgency 0.270"]
    assert model.headerData(SCORE, Qt.Orientation.Horizontal) == "Score and why"
    model.show([request(1)], is_paused=False)
    assert model.scale == 1.0
    assert model.headerData(SCORE, Qt.Orientation.Horizontal) == "Why"


def test_what_runs_says_how_far_it_is(model):
    model.set_listing(Listing.RUNNING)
    running = request(1, 0, state=RequestState.RUNNING, started_s=3.0, waited_s=9.0, prefilled_s=0.5,
                      output_tokens=10, output_expected=40, ends_in_s=2.0)  # fmt: skip
    model.show([running], is_paused=True)
    assert texts(model, WAITED) == ["3 s"]
    assert texts(model, STARTS) == ["in 2 s"]
    assert texts(model, SCORE, Qt.ItemDataRole.AccessibleTextRole) == ["25 %. Answering, 10 of about 40 tokens"]


def test_whatever_comes_goes_and_moves_the_same_request_stays_selected(model):
    view = QTableView()
    view.setModel(model)
    chance = random.Random(7)
    shown = [request(number) for number in range(40)]
    model.show(shown, is_paused=False)
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    view.selectionModel().select(model.index(20, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    for step in range(60):
        shown = [it for it in shown if it.id == "r20" or chance.random() > 0.08]
        for _ in range(chance.randrange(3)):
            shown.insert(chance.randrange(len(shown) + 1), request(1000 + 10 * step + len(shown)))
        chance.shuffle(shown) if step % 7 == 0 else None
        model.show(shown, is_paused=False)
        assert [it.id for it in model.rows] == [it.id for it in shown]
        [selected] = view.selectionModel().selectedIndexes()
        assert model.entry(selected.row()).id == "r20"
    assert resets == []


def test_a_wholly_different_list_is_a_new_one(model):
    model.show([request(number) for number in range(0, 200, 2)], is_paused=False)
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    model.show([request(number) for number in range(0, 200, 3)], is_paused=False)
    assert resets == [True]
    assert model.row_of("r3") == 1
    assert model.row_of("r2") == -1
    assert model.entry(-1) is None


def test_what_has_finished_has_its_times(qapp):
    model = FinishedModel()
    model.show_rows(
        [
            ended(waited_s=1.0, load_s=0.8, prefill_s=0.5, first_token_s=1.6, total_s=5.5, output_tokens=200),
            ended(id="r2", form="image", output_tokens=1, total_s=0.03, first_token_s=0.03),
            ended(id="r3", outcome=Outcome.FAILED, error="The file is broken.", client=""),
        ]
    )
    assert texts(model, LOAD) == ["800 ms", "–", "–"]
    assert texts(model, FIRST) == ["1.6 s", "30 ms", "–"]
    assert texts(model, TOTAL)[0] == "5.5 s"
    assert texts(model, OUTPUT) == ["200 tokens", "1 picture", "0 tokens"]
    assert texts(model, SPEED) == ["50 tok/s", "–", "–"]
    assert texts(model, OUTCOME) == ["Done", "Done", "Failed"]
    assert len(texts(model, ENDED)[0]) == len("09:52:11")
    said = model.index(2, REQUEST).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "A letter, starter · The file is broken."
    assert model.index(1, SPEED).data(Qt.ItemDataRole.AccessibleTextRole) == "Speed unknown"
    assert "first step" in model.headerData(3, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
