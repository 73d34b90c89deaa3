"""Theme: every colour, measure and type style of one scheme, read from `resources/themes/tokens.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from PySide6.QtGui import QColor, QFont, QIcon

from app.theme.fonts import font_for
from app.theme.icons import tinted_icon

SCHEMES = ("light", "dark", "high-contrast", "high-contrast-light")


@dataclass(frozen=True, slots=True)
class TypeStyle:
    """One step of the type scale: pixels, line height in pixels, weight from 1 to 1000."""

    px: int
    line: int
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class Theme:
    """What a widget asks for when it paints; an unknown name raises KeyError, so a typing error shows at once.

    Attributes:
        scheme: one of `SCHEMES`.
        colors: role -> colour.
        sizes: name -> pixels at 100 % scaling; likewise `spaces` and `radii`.
        types: the type scale.
        motions: name -> milliseconds.
    """

    scheme: str
    colors: Mapping[str, QColor]
    sizes: Mapping[str, int]
    spaces: Mapping[str, int]
    radii: Mapping[str, int]
    types: Mapping[str, TypeStyle]
    motions: Mapping[str, int]

    @property
    def is_high_contrast(self) -> bool:
        """Whether quiet borders must be loud."""
        return self.scheme.startswith("high-contrast")

    def color(self, role: str) -> QColor:
        """Colour of a role; a fresh value that the caller may change."""
        return QColor(self.colors[role])

    def size(self, name: str) -> int:
        """Pixels of a named size (`rail`, `control`, `row`, ...)."""
        return self.sizes[name]

    def space(self, name: str) -> int:
        """Pixels of a named distance (`xs`, `s`, `m`, `l`, ...)."""
        return self.spaces[name]

    def radius(self, name: str) -> int:
        """Pixels of a named corner radius."""
        return self.radii[name]

    def line(self, type_name: str) -> int:
        """Line height in pixels of a type style."""
        return self.types[type_name].line

    def motion_ms(self, name: str) -> int:
        """Milliseconds of a named animation or interval."""
        return self.motions[name]

    def font(self, type_name: str) -> QFont:
        """Font of a type style (`caption`, `small`, `body`, `strong`, `reading`, `title`, `mono`, ...)."""
        style = self.types[type_name]
        return font_for(style.px, style.weight, is_mono=type_name == "mono")

    def icon(self, name: str, role: str = "text", size: int = 20, checked_role: str | None = None) -> QIcon:
        """Line icon in the colour of a role; disabled and, where asked for, checked states have their own colour.

        Args:
            name: file name in `resources/icons` without `.svg`.
            role: colour role at rest.
            size: edge in pixels at 100 % scaling.
            checked_role: colour role of a checked button; None keeps `role`.
        """
        checked = None if checked_role is None else self.colors[checked_role].name()
        return tinted_icon(name, self.colors[role].name(), self.colors["text-disabled"].name(), checked, size)


@cache
def load_theme(scheme: str) -> Theme:
    """Read a scheme; the same value is returned every time.

    Raises:
        KeyError: no such scheme.
    """
    if scheme not in SCHEMES:
        raise KeyError(scheme)
    table = _token_table()
    return Theme(
        scheme=scheme,
        colors=MappingProxyType({role: QColor(value) for role, value in table[scheme].items()}),
        sizes=MappingProxyType(table["size"]),
        spaces=MappingProxyType(table["space"]),
        radii=MappingProxyType(table["radius"]),
        types=MappingProxyType({name: TypeStyle(**style) for name, style in table["type"].items()}),
        motions=MappingProxyType(table["motion"]),
    )


@cache
def _token_table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("resources").joinpath("themes/tokens.toml").read_text(encoding="utf-8"))
