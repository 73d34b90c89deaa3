"""AppSettings: what the window remembers between starts, in one small TOML file."""

import contextlib
import logging
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import tomli_w

from app.theme import CHOICES
from app.whole_file import write_whole

log = logging.getLogger(__name__)

_THEMES = tuple(setting for setting, _ in CHOICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """Settings of the window; the engine has its own.

    Attributes:
        theme: `system`, `light`, `dark`, `high-contrast` or `high-contrast-light`.
        model_dirs: more folders to search for models.
        vision_model: id of the model that Recognize used last; empty for none yet.
        geometry: left, top, width, height in pixels; empty for the default.
        page: name of the page that was shown last.
        looks_for_updates: whether to look for a new version once a day.
        looked_for_updates_at: when that was done last, in seconds since 1970.
        told_version: the new version that was told of last.
        skipped_version: the new version that nobody wants to hear of.
    """

    theme: str = "system"
    model_dirs: tuple[str, ...] = ()
    vision_model: str = ""
    geometry: tuple[int, ...] = ()
    page: str = ""
    looks_for_updates: bool = False
    looked_for_updates_at: int = 0
    told_version: str = ""
    skipped_version: str = ""

    @property
    def for_safe_mode(self) -> Self:
        """These without what decides where the window is, what it shows first and which model it takes."""
        return replace(self, vision_model="", geometry=(), page="")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file; a broken one is set aside and the defaults are used, since the window must open anyway."""
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls(**_checked(table))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:  # tomllib and Unicode errors are ValueErrors
            log.warning("Settings file %s cannot be read (%s); it is set aside", path, error)
            with contextlib.suppress(OSError):
                path.replace(path.with_suffix(".broken.toml"))
            return cls()

    def save(self, path: Path) -> None:
        """Write the file in one piece: after a crash it holds either the old or the new settings.

        Raises:
            OSError: the folder cannot be written.
        """
        table = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        write_whole(path, tomli_w.dumps(table).encode())


def _checked(table: dict[str, Any]) -> dict[str, Any]:
    """Keep what is known and sound; a setting of a later version is left out.

    Raises:
        ValueError: a known setting has the wrong type or value.
    """
    known = {field.name for field in fields(AppSettings)}
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in table.items() if name in known
    }
    checks = {
        "theme": lambda value: value in _THEMES,
        "model_dirs": lambda value: isinstance(value, tuple) and all(isinstance(item, str) for item in value),
        "vision_model": lambda value: isinstance(value, str),
        "page": lambda value: isinstance(value, str),
        "looks_for_updates": lambda value: isinstance(value, bool),
        "looked_for_updates_at": lambda value: type(value) is int,
        "told_version": lambda value: isinstance(value, str),
        "skipped_version": lambda value: isinstance(value, str),
        "geometry": _is_geometry,
    }
    for name, value in values.items():
        if not checks[name](value):
            raise ValueError(f"setting {name} is {value!r}")
    return values


def _is_geometry(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) in (0, 4)
        and all(type(item) is int and abs(item) < 1 << 16 for item in value)
    )
