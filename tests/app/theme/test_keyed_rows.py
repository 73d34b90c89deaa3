"""Rows that are known by their id, and the card that remembers which one is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.theme import Appearance
from app.theme.widgets.keyed_rows import KeyedRows
from app.theme.widgets.table_card import TableCard


@dataclass(frozen=True)
class Thing:
    id: str
    words: str = ""


class Things(KeyedRows[Thing]):
    def value(self, entry: Thing, role: int) -> Any:
        return entry.words if role == Qt.ItemDataRole.DisplayRole else None


class Card(TableCard[Things]):
    def columns(self, width: int) -> Sequence[tuple[int, int]]:
        return ((0, width - 40), (width - 40, 40))


A, B, C = Thing("a", "one"), Thing("b", "two"), Thing("c", "three")


@pytest.fixture
def card(qtbot) -> Card:
    card = Card(Appearance("light"), Things(), ("Thing", "Size"), frozenset({"Size"}))
    qtbot.addWidget(card)
    card.resize(300, 300)
    card.show()
    card.model.show_rows(("First", A, B, "Last", C))
    return card


def test_captions_are_shown_and_cannot_be_chosen(card, qtmodeltester):
    model = card.model
    qtmodeltester.check(model)
    assert [model.index(at).data() for at in range(5)] == ["First", "one", "two", "Last", "three"]
    assert [bool(model.flags(model.index(at)) & Qt.ItemFlag.ItemIsSelectable) for at in range(5)] == [0, 1, 1, 0, 1]
    assert (model.count, model.entry(0), model.entry(1), model.entry(9)) == (3, None, A, None)


def test_other_words_of_the_same_rows_are_one_change_and_lose_nothing(card):
    told: list[tuple[int, int]] = []
    card.choose("b")
    card.model.modelReset.connect(lambda: told.append((-1, -1)))
    card.model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    card.model.show_rows(("First", A, B, "Last", C))
    assert told == []
    card.model.show_rows(("First", replace(A, words="uno"), B, "Last", replace(C, words="tre")))
    assert told == [(1, 4)]
    assert card.chosen_id == "b"


@pytest.mark.parametrize("rows", [("Others", A, B, "Last", C), ("First", B, A, "Last", C), ("First", A, B, C)])
def test_other_rows_are_laid_out_anew_and_the_chosen_one_stays_chosen(card, rows):
    card.choose("b")
    said: list[str] = []
    card.chosen.connect(said.append)
    card.model.show_rows(rows)
    assert card.view.currentIndex().data() == "two"
    assert card.chosen_id == "b"
    assert "" not in said


def test_a_chosen_row_that_goes_is_said_once(card):
    card.choose("b")
    said: list[str] = []
    card.chosen.connect(said.append)
    card.model.show_rows(("First", A))
    assert said == [""]
    assert card.chosen_id == ""
    card.choose_first()
    assert said == ["", "a"]


def test_an_id_that_is_listed_twice_leads_to_its_first_row(card):
    card.model.show_rows(("First", A, B, "Last", replace(A, words="again")))
    assert card.model.index_of("a").row() == 1
    assert card.model.count == 3
    card.model.show_rows(("First", A, B, "Last"))
    assert card.model.rowCount() == 4


def test_the_card_is_as_high_as_its_rows(card):
    theme = Appearance("light").theme
    row, head = theme.size("row-double"), theme.size("table-header")
    assert card.maximumHeight() == 3 * head + 3 * row + 2
    card.model.show_rows(())
    assert card.maximumHeight() == head + 2 * row + 2
    assert card.view.isHidden()


def test_enter_opens_and_delete_removes(card, qtbot):
    card.choose("a")
    with qtbot.waitSignal(card.view.open_pressed):
        QTest.keyClick(card.view, Qt.Key.Key_Return)
    with qtbot.waitSignal(card.view.remove_pressed):
        QTest.keyClick(card.view, Qt.Key.Key_Delete)
