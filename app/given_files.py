"""Files as a command line names them, and what they are: models, pictures or plugins."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

IMAGE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
_MODELS: Final = frozenset({".gguf", ".onnx"})
_PLUGINS: Final = frozenset({".zip", ".hearth-plugin"})
_MANIFEST: Final = "plugin.toml"
_MAGIC: Final = b"GGUF"
_LOOKED_AT: Final = 1000  # files of a folder, to see what kind it is
_NAMED: Final = 5  # files that a message says in full


def named(text: str, folder: Path | None = None) -> Path:
    """The file that somebody named: a path, or a `file:` address as desktops pass them.

    Args:
        text: as it was given.
        folder: that a path without one lies in; None is the current one.
    """
    if text.lower().startswith("file:"):
        address = urlsplit(text)
        host = "" if address.netloc.lower() in ("", "localhost") else f"//{address.netloc}"
        text = host + unquote(address.path, errors="surrogateescape")
        if sys.platform == "win32":
            text = re.sub(r"^/(?=[A-Za-z]:)", "", text)
    return Path(os.path.abspath((folder or Path.cwd()) / text))


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFiles:
    """Files by what is to be done with them.

    Attributes:
        models: to be shown, or offered for import.
        pictures: to be looked at; also folders of pictures.
        plugins: to be installed.
        missing: that are not there.
        unknown: that Hearth has no use for.
    """

    models: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    plugins: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()
    unknown: tuple[Path, ...] = ()

    def refusal(self) -> tuple[str, str] | None:
        """What to tell about those that cannot be opened: cause and remedy; None if all can be."""
        parts = []
        if self.missing:
            parts.append(f"{_listed(self.missing)} {'is' if len(self.missing) == 1 else 'are'} not there.")
        if self.unknown:
            parts.append(f"{_listed(self.unknown)} cannot be opened with Hearth.")
        if not parts:
            return None
        remedy = "Hearth opens models (GGUF, ONNX), pictures, and plugins (a zip or a folder)."
        return " ".join(parts), remedy if self.unknown else "Check the path; it may have been moved or renamed."


def sort_out(paths: Iterable[Path]) -> GivenFiles:
    """Say what to do with files. Looks at the disk."""
    found: dict[str, dict[Path, None]] = {}
    for path in paths:
        found.setdefault(_kind(path), {})[path] = None
    return GivenFiles(**{kind: tuple(files) for kind, files in found.items()})


def _kind(path: Path) -> str:
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        if not path.exists():
            return "missing"
        return _kind_of_name(path) or _kind_of_content(path)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return "missing"


def _kind_of_folder(folder: Path) -> str:
    if (folder / _MANIFEST).is_file():
        return "plugins"
    with os.scandir(folder) as entries:
        kinds = {_kind_of_name(Path(entry.name)) for entry in islice(entries, _LOOKED_AT)}
    return next((kind for kind in ("models", "pictures") if kind in kinds), "unknown")


def _kind_of_name(path: Path) -> str:
    suffix = path.suffix.lower()
    kinds = {"models": _MODELS, "pictures": IMAGE_SUFFIXES, "plugins": _PLUGINS}
    return next((kind for kind, suffixes in kinds.items() if suffix in suffixes), "")


def _kind_of_content(path: Path) -> str:
    """Some programs keep models under names without an ending."""
    if not path.is_file():
        return "unknown"
    with path.open("rb") as file:
        return "models" if file.read(len(_MAGIC)) == _MAGIC else "unknown"


def _listed(paths: Sequence[Path]) -> str:
    shown = ", ".join(f"“{path.name or path}”" if len(paths) > 1 else f"“{path}”" for path in paths[:_NAMED])
    return shown if len(paths) <= _NAMED else f"{shown} and {len(paths) - _NAMED} more"
