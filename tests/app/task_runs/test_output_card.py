"""Outputs of every kind: what is shown, copied and offered as a file."""

import pytest
from PySide6.QtWidgets import QLabel, QScrollArea

from app.task_runs.output_card import OutputCard
from app.theme import Appearance
from engine import Field, InputFile, Kind, Table

TABLE = Table(("Word", "Letters"), (("a\tb", "3"), ("c", "1")))


@pytest.fixture
def card(qtbot):
    areas = []

    def make(kind: Kind) -> OutputCard:
        area = QScrollArea()
        qtbot.addWidget(area)
        area.resize(500, 300)
        area.setWidgetResizable(True)
        made = OutputCard(Appearance("light"), Field(name="out", title="Out", kind=kind))
        area.setWidget(made)
        area.show()
        areas.append(area)
        return made

    return make


@pytest.mark.parametrize(
    ("kind", "value", "copied"),
    [
        (Kind.INTEGER, 7, "7"),
        (Kind.NUMBER, 1234.5, "1,234.5"),
        (Kind.FLAG, True, "Yes"),
        (Kind.CHOICE, "short", "short"),
        (Kind.MODELS, ("a", "b"), "a, b"),
    ],
)
def test_small_values_are_words(card, kind, value, copied):
    made = card(kind)
    made.show_value(value)
    assert made.text == copied
    assert any(label.text() == copied for label in made.findChildren(QLabel))
    assert made._copy.isVisible()
    assert not made._save.isVisible()


def test_a_table_is_copied_for_a_spreadsheet(card):
    made = card(Kind.TABLE)
    made.show_value(TABLE)
    assert made.text == "Word\tLetters\na b\t3\nc\t1"


def test_a_file_can_only_be_saved(qtbot, card):
    made = card(Kind.FILE)
    made.show_value(InputFile("sound.wav", b"abc"))
    assert not made._copy.isVisible()
    with qtbot.waitSignal(made.save_requested) as asked:
        made._save.click()
    assert asked.args == ["sound.wav", b"abc"]


def test_text_grows_and_is_replaced_by_what_came_out(qtbot, card):
    made = card(Kind.TEXT)
    assert not made._copy.isVisible()
    made.append("one ")
    made.append("two")
    qtbot.waitUntil(lambda: made.is_settled)
    assert made.text == "one two"
    made.show_value("one two three")
    qtbot.waitUntil(lambda: made.is_settled)
    with qtbot.waitSignal(made.save_requested) as asked:
        made._save.click()
    assert asked.args == ["out.txt", b"one two three"]


def test_a_text_too_long_for_a_window_says_so(qtbot, card):
    made = card(Kind.TEXT)
    made.show_value("many words in a row\n" * 15_000)
    qtbot.waitUntil(lambda: made.is_settled)
    assert "of 300,000 characters" in made._said.text()
