"""Finding lines of text in drawn pages."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from plugins.read_text.lines import MOST_LINES, LineBox, find_lines


class Page:
    """An image under construction."""

    def __init__(self, size: tuple[int, int] = (600, 300), ground: int = 255) -> None:
        self.image = Image.new("L", size, ground)
        self.draw = ImageDraw.Draw(self.image)

    def write(self, at: tuple[int, int], text: str, size: int, ink: int = 0) -> tuple[int, ...]:
        """Write a line and return the box of its ink."""
        font = ImageFont.load_default(size=size)
        self.draw.text(at, text, fill=ink, font=font)
        alone = Image.new("L", self.image.size)
        ImageDraw.Draw(alone).text(at, text, fill=255, font=font)
        return alone.point(lambda level: 255 * (level > 100)).getbbox()

    def lines(self) -> list[LineBox]:
        return find_lines(np.asarray(self.image))


def assert_at(found: LineBox, expected: tuple[int, ...]) -> None:
    box = (found.left, found.top, found.right, found.bottom)
    assert np.abs(np.subtract(box, expected)).max() <= 3, (box, expected)


@pytest.mark.parametrize("size", [11, 14, 24, 48])
@pytest.mark.parametrize(("ground", "ink"), [(255, 0), (0, 255), (250, 150), (40, 120)])
def test_one_line(size: int, ground: int, ink: int) -> None:
    page = Page(ground=ground)
    expected = page.write((30, 40), "Hearth runs (offline)", size, ink)
    [line] = page.lines()
    assert_at(line, expected)
    assert line.light == (ink > ground)


def test_lines_come_from_top_to_bottom_and_columns_from_left_to_right() -> None:
    page = Page((700, 400))
    texts = ["first line", "second; line", "'third', \"line\"", "jumping: gypsy"]
    expected = []
    for row, text in enumerate(texts):
        expected += [page.write((20, 30 + 40 * row), text, 24), page.write((400, 32 + 40 * row), text, 22)]
    found = page.lines()
    assert len(found) == len(expected)
    for line, box in zip(found, expected, strict=True):
        assert_at(line, box)


@pytest.mark.parametrize("size", [20, 60, 200])
@pytest.mark.parametrize("text", ["A", "i", "8", "w", "%", "?"])
def test_single_character(text: str, size: int) -> None:
    page = Page((2 * size, 2 * size))
    expected = page.write((size // 2, size // 3), text, size)
    [line] = page.lines()
    assert_at(line, expected)


def test_text_on_a_button_and_in_a_frame() -> None:
    page = Page((640, 360), ground=240)
    page.draw.rounded_rectangle((40, 40, 200, 80), 8, fill=60)
    button = page.write((60, 48), "Save file", 20, 255)
    page.draw.rectangle((40, 120, 500, 300), outline=170, fill=255)
    frame = page.write((60, 140), "framed text", 18, 30)
    found = page.lines()
    assert [line.light for line in found] == [True, False]
    assert_at(found[0], button)
    assert_at(found[1], frame)


def test_uneven_light() -> None:
    ramp = np.tile(np.linspace(90, 250, 600), (300, 1)).astype(np.uint8)
    page = Page()
    page.image.paste(Image.fromarray(ramp))
    expected = page.write((30, 100), "one line across the shadow of a hand", 28, 20)
    [line] = page.lines()
    assert_at(line, expected)


def test_rules_are_no_text() -> None:
    page = Page()
    page.draw.line((10, 60, 590, 60), fill=0, width=2)
    page.draw.line((300, 5, 300, 295), fill=0, width=1)
    expected = page.write((20, 90), "under the rule", 20)
    [line] = page.lines()
    assert_at(line, expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 3), (200, 300)])
def test_nothing_to_find(shape: tuple[int, int]) -> None:
    assert find_lines(np.full(shape, 255, dtype=np.uint8)) == []


def test_noise_is_bounded() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    assert len(find_lines(noise)) <= MOST_LINES


@pytest.mark.parametrize("angle", [-5, -2, 2, 5])
def test_turned_lines_are_kept_apart_and_their_fall_is_measured(angle: float) -> None:
    page = Page((900, 300))
    for row in range(3):
        page.write((40, 80 + 42 * row), "a longer line of text, as photographed", 26)
    turned = page.image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    found = find_lines(np.asarray(turned))
    assert len(found) == 3
    for line in found:
        assert line.slope == pytest.approx(-np.tan(np.radians(angle)), abs=0.006)
        assert 20 <= line.lower - line.upper <= 34


def test_level_lines_have_no_slope() -> None:
    page = Page()
    top, bottom = page.write((30, 40), "jumping gypsies, quietly", 24)[1::2]
    [line] = page.lines()
    assert line.slope == 0.0
    assert (line.upper, line.lower) == (pytest.approx(top, abs=2), pytest.approx(bottom, abs=2))
