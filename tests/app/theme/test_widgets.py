"""The small painted widgets."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.theme import Appearance
from app.theme.widgets import Banner, Chip, ElidedLabel, FocusRing, IconButton, Part, SegmentBar, Segmented, Switch


@pytest.fixture
def appearance(qapp) -> Appearance:
    return Appearance("light")


def test_a_banner_says_cause_and_remedy_and_closes(qtbot, appearance):
    banner = Banner(appearance)
    qtbot.addWidget(banner)
    assert banner.message == ""
    banner.show_message("bad", "The disk is full.", "Free some space.", "Try again")
    assert banner.message == "The disk is full. Free some space."
    button = banner.findChild(QPushButton)
    with qtbot.waitSignal(banner.pressed):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(banner.closed):
        qtbot.mouseClick(banner.findChild(IconButton), Qt.MouseButton.LeftButton)
    assert banner.message == ""


def test_a_banner_without_a_button_hides_it(qtbot, appearance):
    banner = Banner(appearance)
    qtbot.addWidget(banner)
    banner.show_message("warn", "Close to the limit.")
    assert banner.findChild(QPushButton).isHidden()


def test_a_meter_paints_its_parts_in_order(qtbot, appearance):
    bar = SegmentBar(appearance, "CPU")
    qtbot.addWidget(bar)
    bar.resize(100, 10)
    bar.set_parts((Part(0.5, "chart-1"), Part(0.25, "chart-8")), "CPU 75 %")
    image, theme = bar.grab().toImage(), appearance.theme
    assert image.pixelColor(25, 5) == theme.color("chart-1")
    assert image.pixelColor(60, 5) == theme.color("chart-8")
    assert image.pixelColor(90, 5) == theme.color("sunken")
    assert bar.accessibleDescription() == "CPU 75 %"


def test_a_meter_survives_impossible_shares(qtbot, appearance):
    bar = SegmentBar(appearance, "CPU")
    qtbot.addWidget(bar)
    bar.resize(100, 10)
    bar.set_parts((Part(-1.0, "chart-8"), Part(7.0, "chart-1")), "too much", limit=0.8)
    image = bar.grab().toImage()
    assert image.pixelColor(95, 5) == appearance.theme.color("chart-1")
    assert image.pixelColor(80, 1) == appearance.theme.color("text")


def test_a_long_name_is_shortened_and_told_in_the_tooltip(qtbot):
    label = ElidedLabel("a-very-long-file-name-that-does-not-fit-anywhere.png")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.grab()
    assert label.toolTip() == label.text()
    label.resize(2000, 20)
    label.grab()
    assert label.toolTip() == ""
    assert label.minimumSizeHint().width() < 80


def test_an_icon_button_has_a_name_and_its_shortcut(qtbot, appearance):
    button = IconButton(appearance, "stop", "Stop the answer", shortcut="Ctrl+.")
    qtbot.addWidget(button)
    assert button.accessibleName() == "Stop the answer"
    assert "Stop the answer (" in button.toolTip()
    assert min(button.width(), button.height()) >= 28


def test_icons_follow_the_theme(qtbot, appearance):
    button = IconButton(appearance, "stop", "Stop")
    qtbot.addWidget(button)
    before = button.icon().cacheKey()
    appearance.choose("dark")
    assert button.icon().cacheKey() != before


def test_a_chip_changes_its_tone(qtbot):
    chip = Chip("Fits", "ok")
    qtbot.addWidget(chip)
    chip.show_state("Does not fit", "bad")
    assert (chip.text(), chip.property("tone")) == ("Does not fit", "bad")


@pytest.fixture
def form(qtbot, appearance):
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    for widget in (QPushButton("One"), QPushButton("Two"), QLineEdit()):
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column.addWidget(widget)
    ring = FocusRing(appearance, window, QApplication.instance())
    window.show()
    qtbot.waitExposed(window)
    ring.attach()
    window.activateWindow()
    return window, ring


def test_the_ring_follows_keys_and_not_the_mouse(form):
    window, ring = form
    one, two = window.findChildren(QPushButton)
    one.setFocus()
    assert ring.isHidden()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    assert ring.target is two
    assert ring.geometry().contains(two.geometry())
    assert ring.geometry() != two.geometry()
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=one.geometry().center())
    assert ring.isHidden()


def test_text_inputs_mark_themselves(form):
    window, ring = form
    window.findChildren(QPushButton)[1].setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    assert isinstance(QApplication.focusWidget(), QLineEdit)
    assert ring.target is None


def test_the_ring_moves_with_its_control(form):
    window, ring = form
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    target = ring.target
    assert target is not None
    target.setGeometry(target.geometry().adjusted(0, 0, -40, 0))
    assert ring.width() < target.width() + 12
    target.hide()
    assert ring.target is not target


def test_the_ring_scrolls_with_its_control_and_out_of_sight(qtbot, appearance):
    window, room = QWidget(), QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(room)
    for number in range(20):
        column.addWidget(QPushButton(str(number)))
    area = QScrollArea()
    area.setWidget(room)
    QVBoxLayout(window).addWidget(area)
    ring = FocusRing(appearance, window, QApplication.instance())
    window.resize(200, 200)
    window.show()
    ring.attach()
    qtbot.waitActive(window)
    window.activateWindow()
    room.findChildren(QPushButton)[0].setFocus()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    button = ring.target
    assert button.text() == "1"
    area.verticalScrollBar().setValue(10)
    assert ring.geometry().center() == button.mapTo(window, button.rect().center())
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    assert ring.isHidden()
    area.verticalScrollBar().setValue(0)
    assert ring.isVisible()
    area.setParent(None)
    area.deleteLater()
    ring._follow(None)


def test_a_switch_shows_its_state_in_colour_and_words(qtbot, appearance):
    switch = Switch(appearance, "Loud")
    qtbot.addWidget(switch)
    switch.resize(switch.sizeHint())
    assert switch.height() >= appearance.theme.size("hit-min")
    off = switch.grab().toImage()
    qtbot.mouseClick(switch, Qt.MouseButton.LeftButton, pos=switch.rect().center())
    on = switch.grab().toImage()
    assert switch.isChecked()
    middle = switch.height() // 2
    assert on.pixelColor(8, middle) == appearance.theme.color("accent")
    assert off.pixelColor(24, middle) == appearance.theme.color("raised")
    words = switch.rect().adjusted(40, 0, 0, 0)
    assert on.copy(words) != off.copy(words)


def test_segments_are_one_stop_of_the_tab_key_and_moved_by_arrows(qtbot):
    segments = Segmented("Length", ("short", "medium", "long"))
    qtbot.addWidget(segments)
    segments.choose("medium")
    segments.choose("endless")
    assert segments.choice == "medium"
    stops = [button for button in segments.findChildren(QWidget) if button.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert [stop.text() for stop in stops] == ["medium"]
    assert stops[0].accessibleName() == "Length: medium"
    with qtbot.waitSignal(segments.picked) as picked:
        QTest.keyClick(segments, Qt.Key.Key_Right)
    assert picked.args == ["long"]
    QTest.keyClick(segments, Qt.Key.Key_Right)
    assert segments.choice == "short"
