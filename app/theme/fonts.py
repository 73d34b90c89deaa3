"""Fonts: the first wanted family that is installed, in pixels, with figures of one width."""

import tomllib
from functools import cache
from importlib.resources import files

from PySide6.QtGui import QFont, QFontDatabase


def font_for(px: int, weight: int, *, is_mono: bool = False) -> QFont:
    """Build a font.

    Args:
        px: size in pixels at 100 % scaling.
        weight: 1 to 1000; 400 is regular, 600 semi-bold.
        is_mono: take the code family.
    """
    font = QFont(_family("mono" if is_mono else "ui"))
    font.setPixelSize(px)
    font.setWeight(QFont.Weight(weight))
    for feature in _wanted()["features"]:
        font.setFeature(QFont.Tag(feature), 1)
    if is_mono:
        font.setStyleHint(QFont.StyleHint.Monospace)
    return font


@cache
def _wanted() -> dict[str, list[str]]:
    table = tomllib.loads(files("resources").joinpath("themes/tokens.toml").read_text(encoding="utf-8"))
    return {name: list(value) for name, value in table["font"].items()}


@cache
def _family(kind: str) -> str:
    installed = set(QFontDatabase.families())
    for family in _wanted()[kind]:
        if family in installed:
            return family
    fallback = QFontDatabase.SystemFont.FixedFont if kind == "mono" else QFontDatabase.SystemFont.GeneralFont
    return QFontDatabase.systemFont(fallback).family()
