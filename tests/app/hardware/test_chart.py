"""The chart: where curves, marks and labels are, and that only the plot is painted anew."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFrame, QVBoxLayout

from app.hardware.chart import Chart, _runs, corners
from app.hardware.scale import PERCENT
from app.theme import Appearance

NAN = float("nan")


class Paints(QObject):
    """Counts paint events by widget."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[QObject, int] = {}

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.counts[watched] = self.counts.get(watched, 0) + 1
        return False


@pytest.fixture
def chart(qtbot):
    """A chart of 400 x 140 in a card."""
    card = QFrame()
    qtbot.addWidget(card)
    card.appearance = Appearance("light")
    chart = Chart(card.appearance, "Use of cpu", card)
    column = QVBoxLayout(card)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(chart)
    chart.set_axes(PERCENT, 60)
    card.resize(400, 140)
    card.show()
    chart.card = card
    return chart


def fill(chart: Chart, ours: float, used: float) -> None:
    ages = np.linspace(-60, 0, 121)
    chart.set_data(ages, np.full(121, ours), np.full(121, used))


def pixel(chart: Chart, at: float, share: float) -> str:
    """Colour at a place of the plot: 0 to 1 from the left, 0 to 1 from below."""
    QApplication.processEvents()
    room = chart.plot.room.translated(chart.plot.pos())
    image: QImage = chart.grab().toImage()
    return image.pixelColor(round(room.left() + at * room.width()), round(room.bottom() - share * room.height())).name()


def mixed(chart: Chart, role: str, alpha: float) -> list[float]:
    theme = chart._appearance.theme
    ink, ground = theme.color(role), theme.color("raised")
    pairs = zip(ink.getRgb()[:3], ground.getRgb()[:3], strict=True)
    return [round(alpha * one + (1 - alpha) * other) for one, other in pairs]


def close(name: str, expected: list[float]) -> bool:
    values = [int(name[at : at + 2], 16) for at in (1, 3, 5)]
    return all(abs(one - other) <= 2 for one, other in zip(values, expected, strict=True))


def test_ours_is_ember_below_and_others_grey_above(chart):
    fill(chart, 0.3, 0.7)
    assert close(pixel(chart, 0.4, 0.2), mixed(chart, "chart-1", 0.26))
    assert close(pixel(chart, 0.4, 0.6), mixed(chart, "chart-8", 0.22))
    assert close(pixel(chart, 0.4, 0.85), mixed(chart, "raised", 1.0))


def test_grid_lines_are_horizontal_only(chart):
    grid = mixed(chart, "chart-grid", 1.0)
    for at in (0.1, 0.5, 0.9):
        assert close(pixel(chart, at, 0.5), grid)
        assert close(pixel(chart, at, 1.0), grid)
        assert not close(pixel(chart, at, 0.25), grid)


def test_the_right_edge_is_now(chart):
    ages = np.array([-30.0, 0.0])
    chart.set_data(ages, np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    filled = mixed(chart, "chart-1", 0.26)
    assert close(pixel(chart, 0.75, 0.25), filled)
    assert close(pixel(chart, 0.99, 0.25), filled)
    assert close(pixel(chart, 0.25, 0.25), mixed(chart, "raised", 1.0))


def test_what_is_unknown_is_a_gap(chart):
    ages = np.linspace(-60, 0, 121)
    values = np.full(121, 0.5)
    values[40:80] = NAN
    chart.set_data(ages, values, values)
    assert close(pixel(chart, 0.5, 0.25), mixed(chart, "raised", 1.0))
    assert close(pixel(chart, 0.2, 0.25), mixed(chart, "chart-1", 0.26))
    assert close(pixel(chart, 0.8, 0.25), mixed(chart, "chart-1", 0.26))


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        ([1, 2, 3], [(0, 3)]),
        ([], []),
        ([1], []),
        ([NAN, NAN], []),
        ([1, NAN, 2, 3], [(2, 4)]),
        ([NAN, 1, 2, NAN, 3, 4, NAN], [(1, 3), (4, 6)]),
    ],
)
def test_runs_of_known_values(values, runs):
    assert list(_runs(np.array(values, float))) == runs


def test_level_stretches_are_one_line():
    ours = np.array([5.0, 5, 5, 5, 7, 7, 7])
    used = np.array([9.0, 9, 9, 9, 9, 9, 8])
    assert list(corners(ours, used)) == [True, False, False, True, True, True, True]
    assert list(corners(ours[:2], used[:2])) == [True, True]


def test_a_chart_without_values_paints_its_axes(chart):
    chart.set_data(np.empty(0), np.empty(0), np.empty(0))
    assert close(pixel(chart, 0.5, 0.25), mixed(chart, "raised", 1.0))


def test_a_mark_stands_at_its_moment_and_a_budget_at_its_height(chart):
    chart.plot.set_marks([(-30.0, 1)])
    chart.plot.set_limit((0.75, "Budget"))
    QApplication.processEvents()
    image = chart.grab().toImage()
    room = chart.plot.room.translated(chart.plot.pos())
    x = round(room.left() + room.width() / 2)
    columns = [
        max(image.pixelColor(x + aside, round(room.top()) + y).lightness() for y in range(30, 100))
        for aside in (-1, 0, 1)
    ]
    assert sorted(lightest < 200 for lightest in columns) == [False, False, True]  # one pixel wide
    y = round(room.bottom() - 0.75 * room.height())
    darks = [image.pixelColor(x, y).lightness() < 100 for x in range(round(room.left()), round(room.right()))]
    assert 0.4 < sum(darks) / len(darks) < 0.75  # dashes of 4 and gaps of 3


def test_a_tick_paints_the_plot_and_nothing_around_it(chart):
    fill(chart, 0.3, 0.5)
    QApplication.processEvents()
    paints = Paints()
    for widget in (chart.card, chart, chart.plot.viewport()):
        widget.installEventFilter(paints)
    fill(chart, 0.4, 0.6)
    QApplication.processEvents()
    assert paints.counts == {chart.plot.viewport(): 1}


def test_labels_that_stay_the_same_are_not_painted_again(chart):
    labels = ((0.0, "60 s"), (1.0, "now"))
    chart.set_labels(labels)
    QApplication.processEvents()
    paints = Paints()
    chart.installEventFilter(paints)
    chart.set_labels(((0.0, "60 s"), (1.0, "now")))
    QApplication.processEvents()
    assert paints.counts == {}
    chart.set_labels(((0.0, "09:52"), (1.0, "10:02")))
    QApplication.processEvents()
    assert paints.counts == {chart: 1}


def test_another_theme_shows_at_once(chart):
    fill(chart, 0.3, 0.7)
    chart.card.appearance.choose("dark")
    assert close(pixel(chart, 0.4, 0.2), mixed(chart, "chart-1", 0.26))
    assert close(pixel(chart, 0.4, 0.85), mixed(chart, "raised", 1.0))


def test_a_chart_takes_no_keys_and_no_mouse(chart):
    assert chart.plot.focusPolicy().value == 0
    assert chart.card.childAt(chart.geometry().center()) is chart
