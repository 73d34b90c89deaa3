"""Theme, palette, icons and style sheet."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPalette

from app.theme import SCHEMES, Appearance, app_icon, load_theme, palette_for, stylesheet_for
from app.theme.icons import icon_pixmap


def colors_in(icon: QIcon, size: int = 20, mode=QIcon.Mode.Normal, state=QIcon.State.Off) -> set[str]:
    image = icon.pixmap(QSize(size, size), mode, state).toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {pixel.name() for pixel in pixels if pixel.alpha() == 255}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_palette_has_the_colours_of_the_theme(qapp, scheme):
    theme = load_theme(scheme)
    palette = palette_for(theme)
    assert palette.color(QPalette.ColorRole.Window) == theme.color("window")
    assert palette.color(QPalette.ColorRole.Base) == theme.color("raised")
    assert palette.color(QPalette.ColorRole.Highlight) == theme.color("accent")
    assert palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text) == theme.color("text-disabled")
    assert palette.color(QPalette.ColorGroup.Inactive, QPalette.ColorRole.Text) == theme.color("text")


def test_a_colour_may_be_changed_without_changing_the_theme():
    theme = load_theme("light")
    theme.color("text").setAlpha(0)
    assert theme.color("text").alpha() == 255


def test_unknown_names_are_refused():
    theme = load_theme("dark")
    for ask in (theme.color, theme.size, theme.space, theme.radius, theme.font, theme.line):
        with pytest.raises(KeyError):
            ask("no such thing")
    with pytest.raises(KeyError):
        load_theme("sepia")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_style_sheet_is_filled_and_its_icons_exist(scheme, tmp_path):
    sheet = stylesheet_for(load_theme(scheme), tmp_path / "icons")
    assert "@" not in sheet
    files = re.findall(r'url\("([^"]+)"\)', sheet)
    assert files
    for name in files:
        assert "currentColor" not in Path(name).read_text(encoding="utf-8")


def test_qt_understands_the_style_sheet(qtbot, tmp_path):
    from PySide6.QtWidgets import QPushButton

    button = QPushButton("Load")
    button.setProperty("kind", "primary")
    qtbot.addWidget(button)
    theme = load_theme("light")
    button.setStyleSheet(stylesheet_for(theme, tmp_path))  # a parse error is a Qt warning, which fails the test
    button.resize(100, 32)
    assert button.grab().toImage().pixelColor(50, 4) == theme.color("accent")


def test_high_contrast_has_louder_borders(tmp_path):
    assert len(stylesheet_for(load_theme("high-contrast"), tmp_path)) > len(
        stylesheet_for(load_theme("dark"), tmp_path)
    )


def test_an_icon_is_tinted_and_its_states_differ(qapp):
    theme = load_theme("light")
    icon = theme.icon("stop", "text-muted", checked_role="accent-ink")
    assert colors_in(icon) == {theme.color("text-muted").name()}
    assert colors_in(icon, state=QIcon.State.On) == {theme.color("accent-ink").name()}
    assert colors_in(icon, mode=QIcon.Mode.Disabled) == {theme.color("text-disabled").name()}


def test_an_icon_is_rendered_for_the_ratio_of_the_screen_and_cached(qapp):
    sharp = icon_pixmap("chat", "#123456", 20, 2.0)
    assert sharp.size() == QSize(40, 40)
    assert sharp.deviceIndependentSize().toSize() == QSize(20, 20)
    assert icon_pixmap("chat", "#123456", 20, 2.0).cacheKey() == sharp.cacheKey()


def test_every_icon_can_be_rendered(qapp):
    from importlib.resources import files

    names = [entry.name.removesuffix(".svg") for entry in files("resources").joinpath("icons").iterdir()]
    assert len(names) > 50
    for name in names:
        image = icon_pixmap(name, "#ff0000", 20, 1.0).toImage()
        assert any(image.pixelColor(x, y) != QColor(0, 0, 0, 0) for x in range(20) for y in range(20)), name


def test_the_icon_of_the_app_is_there_in_every_size_on_the_accent(qapp):
    icon = app_icon()
    sizes = sorted(size.width() for size in icon.availableSizes())
    assert sizes[0] == 16
    assert sizes[-1] == 256
    for size in sizes:
        image = icon.pixmap(QSize(size, size)).toImage()
        assert image.width() == size
        assert image.pixelColor(size // 2, 1) == load_theme("light").color("accent")


def test_fonts_follow_the_type_scale(qapp):
    theme = load_theme("light")
    assert theme.font("title").pixelSize() == 16
    assert theme.font("title").weight() == 600
    assert theme.font("mono").family() != theme.font("body").family()


def test_appearance_says_when_it_changes_and_only_then(qtbot):
    appearance = Appearance("light")
    with qtbot.waitSignal(appearance.changed):
        appearance.choose("dark")
    assert appearance.theme.scheme == "dark"
    with qtbot.assertNotEmitted(appearance.changed):
        appearance.choose("dark")
    with pytest.raises(KeyError):
        appearance.choose("sepia")
    assert appearance.setting == "dark"


def test_a_system_that_does_not_say_is_light(qapp):
    assert Appearance("system").theme.scheme == "light"
