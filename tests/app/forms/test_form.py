"""Forms: what they draw, what they give back, and what they complain of."""

import asyncio

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit

from app.forms import FieldForm, FileReader
from app.forms.file_reader import MOST_BYTES, read_file
from app.tasks import Tasks
from app.theme.widgets import Segmented, Switch
from engine import Field, InputFile, Kind

FULL = {
    "text": "hello",
    "notes": "two\nlines",
    "count": 7,
    "share": 0.25,
    "loud": True,
    "length": "long",
    "style": "c",
    "file": InputFile("a.txt", b"abc"),
    "model": "beta",
    "models": ("alpha", "beta"),
}


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
            await asyncio.sleep(0.001)


@pytest.fixture
def form(qtbot, appearance, fields, models):
    reader = FileReader(Tasks())
    form = FieldForm(appearance, fields, reader)
    qtbot.addWidget(form)
    form.show_models(models)
    yield form
    reader.close()


def test_a_form_begins_with_its_defaults(form):
    assert form.values() == {"count": 3, "loud": False, "length": "short", "model": "alpha"}


def test_what_is_filled_in_comes_back_as_it_was(form):
    form.set_values(FULL | {"unknown": "left out", "count": "seven"} | {"count": 7})
    assert form.values() == FULL
    assert form.problems() == {}


def test_what_is_missing_is_told_only_when_asked(form, fields):
    assert set(form.problems()) == {"text", "style", "file", "models"}
    shown = [label for label in form.findChildren(QLabel) if label.property("problem") and not label.isHidden()]
    assert shown == []
    form.show()
    assert form.show_problems()
    shown = [label for label in form.findChildren(QLabel) if label.property("problem") and not label.isHidden()]
    assert len(shown) == 4
    assert form.input_of("text").target().property("invalid") is True
    form.set_values(FULL)
    assert not form.show_problems()
    assert form.input_of("text").target().property("invalid") is False


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("count", "eleven", "not a whole number"),
        ("count", "11", "1 to 10"),
        ("count", "2.5", "not a whole number"),
        ("count", "1,000", "1 to 10"),
        ("share", "nan", "not a number"),
        ("share", "-1", "0 to 1"),
        ("text", "x" * 21, "21 characters"),
    ],
)
def test_a_wrong_value_is_marked_at_once_and_left_out(form, name, typed, said):
    edit = form.input_of(name).target()
    edit.setText(typed)
    assert said in form.problems()[name]
    assert edit.property("invalid") is True
    assert said in edit.accessibleDescription()
    assert name not in form.values()


def test_a_number_is_read_as_people_write_it_and_stepped_by_keys(form):
    count, share = form.input_of("count").target(), form.input_of("share").target()
    share.setText("0,5")
    assert form.values()["share"] == 0.5
    QTest.keyClick(share, Qt.Key.Key_Up)
    assert form.values()["share"] == 0.55
    count.setText("9")
    for _ in range(3):
        QTest.keyClick(count, Qt.Key.Key_Up)
    assert form.values()["count"] == 10


def test_an_emptied_field_with_a_default_is_empty_not_the_default(qtbot, appearance):
    form = FieldForm(appearance, [Field(name="tone", title="Tone", default="dry", required=False)])
    qtbot.addWidget(form)
    form.set_values({"tone": ""})
    assert form.values() == {"tone": ""}


def test_every_control_is_named_and_reached_by_tab_in_order(qtbot, form):
    with qtbot.waitActive(form):
        form.show()
    form.focus_first()
    seen = []
    for _ in range(12):
        focused = QApplication.focusWidget()
        assert focused.accessibleName() or (isinstance(focused, QCheckBox) and focused.text())
        seen.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    tops = [widget.mapTo(form, widget.rect().topLeft()).y() for widget in seen[:11]]
    assert tops == sorted(tops)
    assert {type(widget) for widget in seen} >= {QLineEdit, Switch}


def test_few_short_choices_are_segments_and_many_are_a_list(form):
    assert isinstance(form.input_of("length").target(), Segmented)
    assert isinstance(form.input_of("style").target(), QComboBox)
    segments = form.input_of("length").target()
    QTest.keyClick(segments, Qt.Key.Key_Right)
    assert form.values()["length"] == "long"


def test_models_are_those_that_fit_and_a_choice_outlives_a_new_list(form, models):
    form.set_values({"model": "beta", "models": ("beta",)})
    form.show_models(models[1:])
    assert form.values()["model"] == "beta"
    assert form.values()["models"] == ("beta",)
    form.show_models(models[2:])  # only one that looks at pictures is left
    assert "No model that can talk" in form.problems()["model"]
    assert "models folder" in form.problems()["models"]
    form.show_models(models)
    assert form.values()["model"] == "beta"


def test_a_dropped_file_is_read_in_the_background(run, qtbot, appearance, tmp_path):
    path = tmp_path / "minutes.txt"
    path.write_bytes(b"We met.")
    errors = []

    async def drop() -> None:
        tasks = Tasks(errors.append)
        reader = FileReader(tasks)
        form = FieldForm(appearance, [Field(name="file", title="Minutes", kind=Kind.FILE)], reader)
        qtbot.addWidget(form)
        zone = form.input_of("file").marked()
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        event = QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        zone.dropEvent(event)
        assert "still being read" in form.problems()["file"]
        await until(lambda: not form.problems())
        assert form.values()["file"] == InputFile("minutes.txt", b"We met.")
        assert zone.property("drop") == "filled"
        form.input_of("file").read(tmp_path / "gone.txt")
        await until(lambda: "still" not in form.problems()["file"])
        assert "gone.txt is not a file" in form.problems()["file"]
        await tasks.close()
        reader.close()

    run(drop())
    assert errors == []


def test_a_file_that_is_too_large_is_refused_without_reading_it_all(tmp_path):
    path = tmp_path / "big.bin"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert "larger than 64" in read_file(path)
    with path.open("wb") as file:
        file.truncate(100)
    assert read_file(path) == InputFile("big.bin", bytes(100))


def test_a_form_with_files_says_that_it_needs_a_reader(qtbot, appearance):
    with pytest.raises(ValueError, match="picture"):
        FieldForm(appearance, [Field(name="picture", title="Picture", kind=Kind.IMAGE)])


def test_a_form_of_all_kinds_fits_a_narrow_card(form):
    assert form.minimumSizeHint().width() <= 280
