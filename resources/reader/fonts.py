"""Free fonts that the reader learns from, and the ones kept back to test it.

Why whole families are kept back: two weights of one family look so alike that testing on one after training on the
other would measure memory, not reading.
"""

import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FONT_DIR = Path("/usr/share/fonts")
"""Where Debian and its children install fonts; another folder can be given with --fonts."""

TRAIN_FAMILIES = {
    "DejaVu Sans": "DejaVuSans*.ttf",
    "DejaVu Serif": "DejaVuSerif*.ttf",
    "Liberation Sans": "LiberationSans-*.ttf",
    "Liberation Sans Narrow": "LiberationSansNarrow-*.ttf",
    "Liberation Serif": "LiberationSerif-*.ttf",
    "Liberation Mono": "LiberationMono-*.ttf",
    "Free Sans": "FreeSans*.ttf",
    "Free Serif": "FreeSerif*.ttf",
    "Free Mono": "FreeMono*.ttf",
    "Open Sans": "OpenSans-*.ttf",
    "Roboto": "Roboto-*.ttf",
    "Roboto Condensed": "RobotoCondensed-*.ttf",
    "Noto Sans": "NotoSans-*.ttf",
    "Noto Serif": "NotoSerif-*.ttf",
    "Noto Sans Mono": "NotoSansMono-*.ttf",
    "Carlito": "Carlito-*.ttf",
    "Cantarell": "Cantarell-*.otf",
    "EB Garamond": "EBGaramond12-*.[ot]tf",
    "Inconsolata": "Inconsolata*.[ot]tf",
}
HELD_OUT_FAMILIES = {
    "Lato": "Lato-*.ttf",
    "Caladea": "Caladea-*.ttf",
}
SKIPPED_STYLES = ("Hairline", "Thin", "ExtraLight", "MathTeX", "Initials", "AllSC", "Display")
"""Hairlines vanish at small sizes, and small capitals make `a` look like `A`."""


@dataclass(frozen=True, slots=True)
class Family:
    """One type family; `paths` holds its styles, and none means the font that comes with Pillow."""

    name: str
    paths: tuple[Path, ...]

    def font(self, rng: random.Random, size: int) -> ImageFont.FreeTypeFont:
        """Draw one style of the family at `size` pixels per em."""
        return _load(rng.choice(self.paths) if self.paths else None, size)


def find_families(patterns: dict[str, str], folder: Path = FONT_DIR) -> list[Family]:
    """Find the files of each family below `folder`.

    Raises:
        FileNotFoundError: a family is not installed; the README names the packages.
    """
    families = []
    for name, pattern in patterns.items():
        paths = [p for p in sorted(folder.rglob(pattern)) if not any(s in p.name for s in SKIPPED_STYLES)]
        if not paths:
            raise FileNotFoundError(f"No font file {pattern} of {name} in {folder}; see resources/reader/README.md.")
        families.append(Family(name, tuple(paths)))
    return families


def train_families(folder: Path = FONT_DIR) -> list[Family]:
    """Families to learn from."""
    return find_families(TRAIN_FAMILIES, folder)


def held_out_families(folder: Path = FONT_DIR) -> list[Family]:
    """Families never seen in training; the last one is the font that comes with Pillow."""
    return [*find_families(HELD_OUT_FAMILIES, folder), Family("Pillow's own", ())]


@lru_cache(maxsize=2048)
def _load(path: Path | None, size: int) -> ImageFont.FreeTypeFont:
    if path is not None:
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
