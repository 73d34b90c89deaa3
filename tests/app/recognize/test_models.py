"""The item models of Recognize."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage

from app.recognize.batch_model import PICTURE_ROLE, BatchModel
from app.recognize.picture import Picture, State
from app.recognize.results_model import FINDING_ROLE, ResultsModel, findings_of
from engine.types import Label, Placement, RecognizeResult, TextLine, Timings, VisionOutput

LINES = VisionOutput(
    task="reading",
    image_size=(100, 50),
    lines=(TextLine("SLOW COOKING", 0.96, (1, 2, 90, 20)), TextLine("forty winter recipes", 0.41, (1, 25, 90, 45))),
)
LABELS = VisionOutput(task="classification", image_size=(9, 9), labels=(Label("book", 0.9), Label("cup", 0.1)))
FEATURES = VisionOutput(task="features", image_size=(9, 9), features=np.array([0.5, -2.0, 1.0], np.float32))


def result_of(output: VisionOutput) -> RecognizeResult:
    timings = Timings(queued_s=0, load_s=0, prefill_s=0, first_token_s=0, decode_s=0, total_s=0.011)
    placement = Placement(device="cpu", backend="onnxruntime", threads=2, reason="All cores are free.")
    return RecognizeResult(output=output, timings=timings, placement=placement)


def picture(name: str) -> Picture:
    return Picture(name, Path(name))


def test_the_batch_keeps_qts_rules(qapp, qtmodeltester):
    model = BatchModel()
    model.add([picture("a.png"), picture("b.png")])
    qtmodeltester.check(model)
    model.add([picture("c.png")])
    qtmodeltester.check(model)
    model.clear()
    qtmodeltester.check(model)


def test_the_results_keep_qts_rules(qapp, qtmodeltester):
    model = ResultsModel()
    for output in (LINES, LABELS, FEATURES, LINES):
        model.show(findings_of(output, 0.5))
        qtmodeltester.check(model)
    model.show(())
    qtmodeltester.check(model)


def test_every_change_of_a_picture_names_its_row(qtbot):
    model = BatchModel()
    first, second = picture("a.png"), picture("b.png")
    model.add([first, second])
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    for change in (
        lambda: model.set_state(second, State.RUNNING),
        lambda: model.set_thumbnail(second, image),
        lambda: model.set_result(second, result_of(LINES), "reader"),
        lambda: model.set_failed(second, "Not a picture", "It is a text file."),
    ):
        with qtbot.waitSignal(model.dataChanged) as changed:
            change()
        assert changed.args[0].row() == changed.args[1].row() == 1
    assert first.state is State.WAITING


def test_a_picture_that_was_removed_is_left_alone(qtbot):
    model = BatchModel()
    gone = picture("a.png")
    model.add([gone])
    model.clear()
    with qtbot.assertNotEmitted(model.dataChanged):
        model.set_state(gone, State.DONE)
    assert model.row_of(gone) is None


def test_a_new_run_forgets_what_the_last_one_said(qapp):
    model = BatchModel()
    one = picture("a.png")
    model.add([one])
    model.set_failed(one, "Not a picture", "It is a text file.")
    model.set_state(one, State.WAITING)
    assert (one.cause, one.error, one.result, one.summary) == ("", "", None, "Waiting")


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        (LINES, "2 lines"),
        (VisionOutput(task="reading", image_size=(1, 1), lines=LINES.lines[:1]), "1 line"),
        (VisionOutput(task="reading", image_size=(1, 1), lines=()), "No lines"),
        (LABELS, "book"),
        (VisionOutput(task="classification", image_size=(1, 1), labels=()), "No label"),
        (FEATURES, "3 values"),
    ],
)
def test_a_picture_says_what_was_found(output: VisionOutput, summary: str):
    one = picture("a.png")
    one.state, one.result = State.DONE, result_of(output)
    assert one.summary == summary


def test_screen_readers_hear_name_and_state(qapp):
    model = BatchModel()
    one = picture("a.png")
    model.add([one])
    index = model.index(0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "a.png: Waiting"
    assert index.data(PICTURE_ROLE) is one
    results = ResultsModel()
    results.show(findings_of(LINES, 0.0))
    assert results.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "SLOW COOKING, 0.96"


def test_the_threshold_only_greys_out():
    findings = findings_of(LINES, 0.5)
    assert [(finding.text, finding.is_shown) for finding in findings] == [
        ("SLOW COOKING", True),
        ("forty winter recipes", False),
    ]
    assert findings[0].box == (1, 2, 90, 20)
    assert findings[0].role != findings[1].role


def test_features_come_strongest_first():
    findings = findings_of(FEATURES, 0.9)
    assert [(finding.text, finding.value) for finding in findings] == [
        ("Value 1", "-2"),
        ("Value 2", "1"),
        ("Value 0", "0.5"),
    ]
    assert findings[0].share == 1.0
    assert all(finding.is_shown for finding in findings)


def test_features_that_are_all_zero_do_not_divide_by_it():
    output = VisionOutput(task="features", image_size=(1, 1), features=np.zeros(4, np.float32))
    assert [finding.share for finding in findings_of(output, 0.0)] == [0.0] * 4


def test_showing_as_many_rows_keeps_the_model_and_its_selection(qtbot):
    model = ResultsModel()
    model.show(findings_of(LINES, 0.0))
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.dataChanged):
        model.show(findings_of(LINES, 0.5))
    assert not model.index(1).data(FINDING_ROLE).is_shown
