"""The scalable icons of the app and of model files: Hearth's glyph on grounds in the theme's colours, as SVG text."""

import re
import tomllib
from typing import Final

from release.plan import ROOT

_EDGE: Final = 128
_ROUNDING: Final = 0.22  # of the edge; as the icon that is drawn in pixels
_GLYPH_MIDDLE: Final = (12.0, 13.1)
_GLYPH_WIDTH: Final = 18.8


def app_svg() -> str:
    """The icon of the app: the glyph in white on a rounded ground of the accent."""
    return _svg(_tile(0, 0, _EDGE))


def model_svg() -> str:
    """The icon of a model file: a sheet with a folded corner that bears the app's icon."""
    colors = _colors()
    outline = f'stroke="{colors["border-strong"]}" stroke-width="3" stroke-linejoin="round"'
    sheet = f'<path d="M24 6h56l24 24v86a6 6 0 0 1-6 6H24a6 6 0 0 1-6-6V12a6 6 0 0 1 6-6z" fill="{colors["raised"]}"'
    corner = f'<path d="M80 6v18a6 6 0 0 0 6 6h18" fill="{colors["sunken"]}"'
    return _svg(f"{sheet} {outline}/>{corner} {outline}/>{_tile(33, 48, 56)}")


def _tile(left: float, top: float, edge: float) -> str:
    colors = _colors()
    unit = 0.66 * edge / _GLYPH_WIDTH
    across, down = (left + edge / 2 - unit * _GLYPH_MIDDLE[0], top + edge / 2 - unit * _GLYPH_MIDDLE[1])
    ground = f'<rect x="{left}" y="{top}" width="{edge}" height="{edge}" rx="{_ROUNDING * edge:.2f}"'
    return (
        f'{ground} fill="{colors["accent"]}"/><g transform="translate({across:.3f} {down:.3f}) scale({unit:.4f})"'
        f' fill="none" stroke="{colors["accent-text"]}" stroke-width="1.75" stroke-linecap="round"'
        f' stroke-linejoin="round">{_glyph()}</g>'
    )


def _glyph() -> str:
    source = (ROOT / "resources" / "icons" / "hearth.svg").read_text(encoding="utf-8")
    return "".join(re.findall(r"<path [^>]*/>", source))


def _colors() -> dict[str, str]:
    with (ROOT / "resources" / "themes" / "tokens.toml").open("rb") as file:
        return dict(tomllib.load(file)["light"])


def _svg(drawing: str) -> str:
    size = f'viewBox="0 0 {_EDGE} {_EDGE}" width="{_EDGE}" height="{_EDGE}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{drawing}</svg>\n'
