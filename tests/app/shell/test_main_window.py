"""The window: pages, keys, regions, the way out."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from app.shell import MainWindow, PageEntry
from app.theme import Appearance


class TwoButtons(QWidget):
    """A page with two regions of one button each."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("page")
        column = QVBoxLayout(self)
        self.buttons = []
        for part in ("upper", "lower"):
            region = QWidget(self)
            region.setProperty("region", True)
            button = QPushButton(f"{name} {part}")
            QVBoxLayout(region).addWidget(button)
            column.addWidget(region)
            self.buttons.append(button)

    def focus_first(self) -> None:
        self.buttons[0].setFocus()


@pytest.fixture
def window(qtbot) -> MainWindow:
    entries = [
        PageEntry("chat", "Chat", "chat", TwoButtons("chat")),
        PageEntry("recognize", "Recognize", "recognize", TwoButtons("recognize")),
    ]
    window = MainWindow(Appearance("light"), QApplication.instance(), entries)
    qtbot.addWidget(window)
    with qtbot.waitSignal(window.painted):
        window.show()
    window.activateWindow()
    return window


def press(window: MainWindow, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.windowHandle(), key, modifier)


def test_the_first_page_is_shown_and_marked(window):
    assert window.page_name == "chat"
    assert [button.isChecked() for button in window.rail.buttons] == [True, False]
    assert window.windowTitle() == "Chat – Hearth"


def test_control_and_a_number_open_a_page(window):
    press(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == "recognize"
    assert window.rail.buttons[1].isChecked()
    press(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.page_name == "chat"


def test_a_click_opens_a_page_and_says_so(qtbot, window):
    with qtbot.waitSignal(window.page_changed) as changed:
        qtbot.mouseClick(window.rail.buttons[1], Qt.MouseButton.LeftButton)
    assert changed.args == ["recognize"]


def test_arrows_move_in_the_rail_and_wrap(window):
    window.rail.focus_first()
    for expected in ("recognize", "chat"):
        press(window, Qt.Key.Key_Down)
        assert window.page_name == expected
    press(window, Qt.Key.Key_Up)
    assert window.page_name == "recognize"


def test_f6_goes_round_the_regions(window):
    window.rail.focus_first()
    page = window.stack.currentWidget()
    for expected in (*page.buttons, window.rail.buttons[0]):
        press(window, Qt.Key.Key_F6)
        assert QApplication.focusWidget() is expected
    press(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.focusWidget() is page.buttons[1]


def test_a_page_is_shown_by_its_name_and_an_unknown_one_is_ignored(window):
    window.show_named("recognize")
    window.show_named("nothing")
    assert window.page_name == "recognize"


def test_closing_asks_and_does_not_close(qtbot, window):
    with qtbot.waitSignal(window.close_requested):
        window.close()
    assert window.isVisible()


def test_a_report_takes_room_only_while_it_is_there(window):
    top = window.stack.mapTo(window, window.stack.rect().topLeft()).y()
    window.report("bad", "The engine did not start.", "Try again.", "Try again")
    QApplication.processEvents()
    assert window.banner.isVisible()
    assert window.stack.mapTo(window, window.stack.rect().topLeft()).y() > top
    window.clear_report()
    QApplication.processEvents()
    assert window.stack.mapTo(window, window.stack.rect().topLeft()).y() == top


def test_everything_that_can_be_pressed_has_a_name_and_a_size(window):
    for button in window.rail.buttons:
        assert button.accessibleName().startswith("Open ")
        assert button.toolTip()
        assert min(button.width(), button.height()) >= 28


def test_the_smallest_window_fits_a_small_screen(window):
    assert window.minimumWidth() <= 1024
    assert window.minimumHeight() <= 640


def test_a_change_of_theme_repaints_the_rail(window):
    before = window.rail.buttons[0].icon().cacheKey()
    appearance = window.rail._appearance
    appearance.choose("dark")
    assert window.rail.buttons[0].icon().cacheKey() != before
