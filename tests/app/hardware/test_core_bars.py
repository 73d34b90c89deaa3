"""The bars of the cores: there where there is room, and never guessed."""

from app.hardware.core_bars import CoreBars
from app.theme import Appearance


def test_a_bar_for_each_core_where_there_is_room(qtbot):
    bars = CoreBars(Appearance("light"))
    qtbot.addWidget(bars)
    bars.show_cores((0.5, 1.0, 0.0, 0.25), 1000)
    assert bars.isVisible()
    assert bars.accessibleName() == "Cores: 50, 100, 0, 25 %"
    image = bars.grab().toImage()
    theme = bars._appearance.theme
    left = bars._left()
    assert image.pixelColor(left + 8 + 2, 1) == theme.color("text-muted")
    assert image.pixelColor(left + 16 + 2, 18) == theme.color("chart-grid")
    assert image.pixelColor(left + 2, 1) == theme.color("chart-grid")
    assert image.pixelColor(left + 2, 18) == theme.color("text-muted")
    assert bars.width() == left + 4 * 8


def test_no_bars_without_room_or_numbers(qtbot):
    bars = CoreBars(Appearance("light"))
    qtbot.addWidget(bars)
    for cores, room in (((0.5,) * 8, 300), ((), 1000), ((0.5,), 1000), ((0.5,) * 128, 900)):
        bars.show_cores(cores, room)
        assert not bars.isVisible()
    bars.show_cores((0.5,) * 128, 1200)
    assert bars.isVisible()
    bars.fit(900)
    assert not bars.isVisible()
