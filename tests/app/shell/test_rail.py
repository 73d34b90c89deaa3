"""The badge in the rail counts what waits."""

import pytest
from PySide6.QtGui import QImage

from app.shell.rail import Rail
from app.theme import Appearance

ENTRIES = (("Chat", "chat"), ("Queue", "queue"))


@pytest.fixture
def rail(qtbot) -> Rail:
    rail = Rail(Appearance("light"), ENTRIES)
    qtbot.addWidget(rail)
    rail.show()
    return rail


def badge_pixels(rail: Rail) -> int:
    """Pixels in the badge's colour on the button of the queue."""
    image: QImage = rail.buttons[1].grab().toImage()
    accent = rail._appearance.theme.color("accent").rgb()
    return sum(image.pixel(x, y) == accent for x in range(image.width()) for y in range(24))


def test_a_number_is_painted_and_read(rail):
    assert badge_pixels(rail) == 0
    rail.set_badge(1, 6)
    assert rail.buttons[1].badge == "6"
    assert 80 < badge_pixels(rail) < 16 * 16
    assert rail.buttons[1].accessibleName() == "Open Queue, 6 waiting"
    assert "6 waiting" in rail.buttons[1].toolTip()
    assert rail.buttons[0].badge == ""


def test_nothing_that_waits_is_no_badge(rail):
    rail.set_badge(1, 6)
    rail.set_badge(1, 0)
    assert badge_pixels(rail) == 0
    assert rail.buttons[1].accessibleName() == "Open Queue"


def test_many_are_shortened_and_stay_inside_the_button(rail):
    rail.set_badge(1, 12_345)
    assert rail.buttons[1].badge == "99+"
    assert rail.buttons[1].accessibleName() == "Open Queue, 12,345 waiting"
    image = rail.buttons[1].grab().toImage()
    accent = rail._appearance.theme.color("accent").rgb()
    assert all(image.pixel(image.width() - 1, y) != accent for y in range(image.height()))
