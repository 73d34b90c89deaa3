"""The one style sheet: a template in `resources/themes` filled with a theme's colours and icon files."""

import re
from importlib.resources import files
from pathlib import Path

from app.theme.icons import tinted_source
from app.theme.tokens import Theme

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ICON = re.compile(r"@icon:([a-z-]+):([a-z0-9-]+)")
_ROLE = re.compile(r"@([a-z][a-z0-9-]*)")


def stylesheet_for(theme: Theme, icon_dir: Path) -> str:
    """Fill the template.

    Args:
        theme: where the colours come from.
        icon_dir: tinted icon files are written here; made if missing.

    Raises:
        KeyError: the template names an unknown role.
        OSError: `icon_dir` cannot be written.
    """
    template = _template("theme.qss.in")
    if theme.is_high_contrast:
        template += _template("high-contrast.qss.in")
    icon_dir.mkdir(parents=True, exist_ok=True)

    def icon_path(match: re.Match[str]) -> str:
        name, color = match[1], theme.colors[match[2]].name()
        path = icon_dir / f"{name}-{color[1:]}.svg"
        if not path.exists():
            path.write_text(tinted_source(name, color), encoding="utf-8")
        return f'"{path.as_posix()}"'

    filled = _ICON.sub(icon_path, template)
    return _ROLE.sub(lambda match: theme.colors[match[1]].name(), filled)


def _template(name: str) -> str:
    return _COMMENT.sub("", files("resources").joinpath(f"themes/{name}").read_text(encoding="utf-8"))
