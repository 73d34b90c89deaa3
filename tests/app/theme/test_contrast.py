"""Every pair of colours in use can be told apart: WCAG contrast, over all backgrounds a colour appears on."""

import pytest
from PySide6.QtGui import QColor

from app.theme import SCHEMES, load_theme

BACKGROUNDS = ("window", "surface", "raised", "sunken", "hover", "selection")
ACCENTS = ("accent", "accent-hover", "accent-pressed")
STATES = ("success", "warning", "danger", "info")
CHARTS = tuple(f"chart-{number}" for number in range(1, 9))
SYNTAX = tuple(f"syntax-{kind}" for kind in ("keyword", "string", "number", "name", "comment"))

PAIRS = [
    *(("text", ground, 4.5) for ground in (*BACKGROUNDS, "pressed", "accent-fill")),
    *(("text-muted", ground, 4.5) for ground in BACKGROUNDS),
    *(("accent-text", ground, 4.5) for ground in ACCENTS),
    *(("accent-ink", ground, 4.5) for ground in ("surface", "raised", "selection", "accent-fill", "window")),
    *((state, ground, 4.5) for state in STATES for ground in ("surface", "raised", "selection", f"{state}-fill")),
    *(("danger", ground, 4.5) for ground in ("hover", "pressed")),
    *((color, "sunken", 4.5) for color in SYNTAX),
    ("plate-text", "plate", 4.5),
    ("tooltip-text", "tooltip", 4.5),
    *(("border-strong", ground, 3.0) for ground in ("window", "surface", "raised")),
    *(("focus", ground, 3.0) for ground in BACKGROUNDS),
    *((chart, ground, 3.0) for chart in CHARTS for ground in ("surface", "raised", "sunken")),
]


def luminance(color: QColor) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_agrees_with_known_values():
    assert contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_contrast_is_enough(scheme: str, front: str, ground: str, least: float):
    theme = load_theme(scheme)
    assert contrast(theme.color(front), theme.color(ground)) >= least


@pytest.mark.parametrize("scheme", SCHEMES[1:])
def test_every_scheme_has_the_same_roles(scheme: str):
    assert load_theme(scheme).colors.keys() == load_theme("light").colors.keys()
