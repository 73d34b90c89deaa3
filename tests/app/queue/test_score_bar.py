"""The bar shows points as widths, in the colours of the families."""

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.queue.score_bar import HEIGHT, paint_score, points_in_words, scale_of
from app.theme import Appearance
from app.theme.brush import Brush
from engine.queueing import FactorPart

WIDTH = 300


def colours(appearance: Appearance, parts: tuple[FactorPart, ...], scale: float) -> list[str]:
    """Colour of each pixel along the middle of the bar."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    image.fill(appearance.theme.color("raised"))
    painter = QPainter(image)
    paint_score(painter, Brush(appearance), QRectF(0, 0, WIDTH, HEIGHT), parts, scale)
    painter.end()
    return [image.pixelColor(x, HEIGHT // 2).name() for x in range(WIDTH)]


@pytest.mark.parametrize("scheme", ["light", "dark", "high-contrast", "high-contrast-light"])
def test_width_is_points_and_a_pixel_of_background_lies_between(qapp, scheme: str):
    appearance = Appearance(scheme)
    theme = appearance.theme
    parts = (FactorPart("residency", 1.0, 0.2), FactorPart("urgency", 1.0, 0.3), FactorPart("energy", 0.01, 0.02))
    row = colours(appearance, parts, 1.0)
    need, ready = theme.color("chart-1").name(), theme.color("chart-2").name()
    assert row.count(need) == 89  # 0.3 of 300, less the gap; need comes first whatever the order of the parts
    assert row.index(need) < row.index(ready)
    assert row.count(ready) == 59
    assert row[89] == theme.color("raised").name()
    assert row[200] == theme.color("sunken").name()  # less than a pixel is left out


def test_a_score_above_one_fills_the_bar_and_the_others_shrink(qapp):
    appearance = Appearance("light")
    parts = (FactorPart("wait", 480.0, 1 / 240),)
    assert colours(appearance, parts, 2.0).count(appearance.theme.color("chart-8").name()) == WIDTH - 1
    assert scale_of([0.4, 2.0]) == 2.0
    assert scale_of([0.4]) == scale_of([]) == 1.0


def test_factors_of_a_family_differ_in_strength(qapp):
    appearance = Appearance("light")
    row = colours(appearance, tuple(FactorPart(key, 1.0, 0.2) for key in ("urgency", "work", "deadline")), 1.0)
    assert len({row[20], row[80], row[140]}) == 3


def test_points_in_words():
    parts = (FactorPart("urgency", 0.5, 0.27), FactorPart("deadline", 0.0, 0.08))
    assert points_in_words(parts) == "Urgency 0.135"
