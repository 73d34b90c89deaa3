"""The icon of the app in the formats of every system."""

import io
from pathlib import Path

import pytest
import release.icons as icons
from PIL import Image, ImageChops

import resources

ACCENT = (0xB4, 0x47, 0x1B, 255)
WHITE = (255, 255, 255, 255)


def drawn(size: int) -> Image.Image:
    return Image.open(io.BytesIO(icons.render_png(size))).convert("RGBA")


@pytest.mark.parametrize("size", [16, 24, 32, 48, 256])
def test_the_icon_is_a_white_glyph_on_a_rounded_ground(size):
    image = drawn(size)
    assert image.size == (size, size)
    assert image.getpixel((0, 0))[3] == 0
    assert image.getpixel((size // 2, 1)) == ACCENT
    colors = {color: count for count, color in image.getcolors(size * size)}
    assert size * size * 0.05 < colors[WHITE] < size * size * 0.3


@pytest.mark.parametrize("size", [32, 48, 64])
def test_what_stands_straight_is_not_blurred(size):
    image = drawn(size)
    row = [image.getpixel((x, size * 5 // 8)) for x in range(size)]
    outer = next(at for at, color in enumerate(row) if at > 1 and color != ACCENT)
    assert min(row[outer]) > 240  # the first pixel of the hearth's wall is white at once


def test_the_windows_icon_holds_every_size(tmp_path):
    path = tmp_path / "hearth.ico"
    icons.write_ico(path)
    with Image.open(path) as file:
        assert {width for width, _height in file.info["sizes"]} == set(icons.WINDOW_SIZES)
        file.size = (16, 16)
        assert ImageChops.difference(file.convert("RGBA"), drawn(16)).getbbox() is None


def test_the_icon_of_macos_has_a_margin_and_is_sharp_on_every_screen(tmp_path):
    path = tmp_path / "hearth.icns"
    icons.write_icns(path)
    with Image.open(path) as file:
        assert {width * ratio for width, _height, ratio in file.info["sizes"]} >= {32, 64, 256, 512, 1024}
        image = file.convert("RGBA")
    assert image.getpixel((image.width // 2, image.width // 20))[3] == 0
    assert image.getpixel((image.width // 2, image.width // 8)) == ACCENT


def test_the_window_bears_the_icon_that_is_drawn(tmp_path):
    icons.write_pngs(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in resources.app_icon_dir().iterdir()), "run icons.write_pngs"
    for name in names:
        difference = ImageChops.difference(picture(tmp_path / name), picture(resources.app_icon_dir() / name))
        assert max(high for _low, high in difference.getextrema()) < 32, f"{name}: run icons.write_pngs"


def picture(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return file.convert("RGBA")
