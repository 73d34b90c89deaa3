"""The command palette: what is found, and that the keyboard is enough."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from app.shell.command import Command, match, search
from app.shell.palette import CommandPalette
from app.theme import Appearance


def commands(log):
    names = (
        ("Open Chat", "Page", "Ctrl+1"),
        ("Open Recognize", "Page", "Ctrl+2"),
        ("Summarize a file…", "A file of any length", ""),
        ("New chat", "Chat", "Ctrl+N"),
        ("Copy the last answer", "Chat", "Ctrl+Shift+C"),
        ("Theme: Dark", "Colours", ""),
    )
    return [
        Command(title, lambda title=title: log.append(title), "play", detail, keys) for title, detail, keys in names
    ]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("", "Open Chat"),
        ("chat", "New chat"),
        ("nc", "New chat"),
        ("sum", "Summarize a file…"),
        ("dark", "Theme: Dark"),
        ("td", "Theme: Dark"),
        ("cla", "Copy the last answer"),
        ("length", "Summarize a file…"),
        ("OPEN rec", "Open Recognize"),
        ("rec open", "Open Recognize"),
    ],
)
def test_the_best_match_comes_first(typed, first):
    assert search(commands([]), typed)[0].title == first


def test_what_has_not_all_letters_is_not_found():
    assert search(commands([]), "zebra") == []
    assert search(commands([]), "chat zebra") == []
    assert match("abc", "cba") == 0.0


def test_beginnings_of_words_count_more_than_letters_in_between():
    assert match("nc", "New chat") > match("nc", "Announce")
    assert match("chat", "chat") > match("chat", "chats of long ago")


@pytest.fixture
def opened(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(1000, 600)
    other = QLineEdit(window)
    QVBoxLayout(window).addWidget(other)
    with qtbot.waitActive(window):
        window.show()
    other.setFocus()
    log = []
    palette = CommandPalette(Appearance("light"), lambda: commands(log), window)
    palette.toggle()
    qtbot.waitUntil(palette.edit.hasFocus)
    return palette, log, other, window


def test_typing_and_enter_run_what_is_chosen(opened):
    palette, log, *_ = opened
    assert (palette.width(), palette.pos().y()) == (560, palette.parentWidget().mapToGlobal(QPoint(0, 96)).y())
    QTest.keyClicks(palette.edit, "open")
    QTest.keyClick(palette.edit, Qt.Key.Key_Down)
    assert "Open Recognize, Page, Ctrl+2, 2 of 2" in palette.edit.accessibleDescription()
    QTest.keyClick(palette.edit, Qt.Key.Key_Return)
    assert log == ["Open Recognize"]
    assert not palette.isVisible()


def test_the_arrow_keys_go_round(opened):
    palette, *_ = opened
    QTest.keyClick(palette.edit, Qt.Key.Key_Up)
    assert palette.rows.currentIndex().row() == 5
    QTest.keyClick(palette.edit, Qt.Key.Key_Down)
    assert palette.rows.currentIndex().row() == 0
    QTest.keyClick(palette.edit, Qt.Key.Key_PageDown)
    assert palette.rows.currentIndex().row() == 5


def test_escape_closes_and_gives_the_keyboard_back(qtbot, opened):
    palette, log, other, _ = opened
    QTest.keyClick(palette.edit, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    qtbot.waitUntil(other.hasFocus)
    assert log == []


def test_nothing_found_is_said_and_enter_does_nothing(opened):
    palette, log, *_ = opened
    QTest.keyClicks(palette.edit, "zebra")
    assert any(label.isVisible() and "Nothing" in label.text() for label in palette.findChildren(QLabel))
    QTest.keyClick(palette.edit, Qt.Key.Key_Return)
    assert log == []
    palette.edit.clear()
    assert len(palette.found) == 6


def test_it_closes_when_the_person_turns_to_something_else_or_presses_its_keys(qtbot, opened):
    palette, _, _, window = opened
    window.activateWindow()
    qtbot.waitUntil(lambda: not palette.isVisible())
    palette.toggle()
    qtbot.waitUntil(palette.edit.hasFocus)
    QTest.keyClick(palette.edit, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert not palette.isVisible()


def test_a_row_is_run_by_a_click(qtbot, opened):
    palette, log, *_ = opened
    place = palette.rows.visualRect(palette.rows.model().index(1, 0)).center()
    qtbot.mouseClick(palette.rows.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert log == ["Open Recognize"]
