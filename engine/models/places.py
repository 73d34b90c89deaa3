"""Where other programs keep their models, on each system."""

import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from engine.cards import Origin
from engine.models.hugging_face import HubCache
from engine.models.ollama import OllamaStore
from engine.models.sources import FolderSource, Source

_LARGEST_BYTES: Final = 1 << 20
_JAN_DEPTH: Final = 6  # its ids may have slashes in them

HOME_VARIABLE: Final = "HEARTH_FOREIGN_HOME"
"""Names a folder that is taken for the person's home when other programs' models are looked for; nothing else of the
machine is then looked at."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the places depend on.

    Attributes:
        home: the person's.
        environment: of the process.
        platform: as `sys.platform`.
        root: of the file system; None if places outside the home do not count.
    """

    home: Path
    environment: Mapping[str, str]
    platform: str = sys.platform
    root: Path | None = None

    @classmethod
    def here(cls) -> Self:
        """Those of this process."""
        other = os.environ.get(HOME_VARIABLE)
        if other:
            return cls(Path(other), {})
        try:
            return cls(Path.home(), os.environ, root=Path("/"))
        except RuntimeError:  # no home folder
            return cls(Path(os.devnull), {})

    def path(self, variable: str) -> Path | None:
        """A folder that a variable names; None if it names none."""
        text = self.environment.get(variable, "").strip()
        return Path(text).expanduser() if text else None


class ForeignPrograms:
    """Other programs' folders, looked for anew each time: programs come while Hearth runs.

    Thread: one at a time.
    """

    def __init__(self, origins: Collection[str], around: Surroundings | None = None) -> None:
        """Look for nothing yet.

        Args:
            origins: the programs whose models are wanted.
            around: where to look; None asks the process each time.
        """
        self._origins = frozenset(origins)
        self._around = around
        self._stores: dict[Path, OllamaStore] = {}  # each remembers the manifests that it has read

    def used(self) -> tuple[Source, ...]:
        """The folders that are there and wanted."""
        return tuple(source for source in self.all() if source.origin in self._origins)

    def unused(self) -> tuple[Source, ...]:
        """The folders that are there and not wanted."""
        return tuple(source for source in self.all() if source.origin not in self._origins)

    def all(self) -> tuple[Source, ...]:
        """The folders that are there."""
        around = self._around or Surroundings.here()
        found: dict[tuple[Origin, str], Source] = {}
        for source in (*_lm_studio(around), *self._ollama(around), *_jan(around), *_hugging_face(around)):
            if source.folder.is_dir():
                found.setdefault((source.origin, os.path.realpath(source.folder)), source)
        return tuple(found.values())

    def _ollama(self, around: Surroundings) -> Iterator[Source]:
        for folder in _ollama_folders(around):
            yield self._stores.setdefault(folder, OllamaStore(folder))


def _lm_studio(around: Surroundings) -> Iterator[Source]:
    pointer = _text(around.home / ".lmstudio-home-pointer").strip()
    homes = [Path(pointer)] if pointer and Path(pointer).is_absolute() else []
    homes += [around.home / ".lmstudio", around.home / ".cache" / "lm-studio"]
    for home in homes:
        for folder in (*_named_in(home / "settings.json", "downloadsFolder"), home / "models"):
            yield FolderSource(Origin.LM_STUDIO, folder, has_repos=True)


def _ollama_folders(around: Surroundings) -> Iterator[Path]:
    if (named := around.path("OLLAMA_MODELS")) is not None:
        yield named
    yield around.home / ".ollama" / "models"
    if around.root is not None and around.platform.startswith("linux"):
        for folder in ("usr/share/ollama/.ollama/models", "var/lib/ollama/.ollama/models", "var/lib/ollama/models"):
            yield around.root / folder


def _jan(around: Surroundings) -> Iterator[Source]:
    bases = [base / "Jan" for base in _data_folders(around)]
    folders = [folder for base in bases for folder in _named_in(base / "settings.json", "data_folder")]
    folders += [base / "data" for base in bases]
    for folder in folders:
        yield FolderSource(Origin.JAN, folder / "llamacpp" / "models", _JAN_DEPTH)
        yield FolderSource(Origin.JAN, folder / "models", _JAN_DEPTH)
    yield FolderSource(Origin.JAN, around.home / "jan" / "models", _JAN_DEPTH)
    yield FolderSource(Origin.JAN, around.home / "cortexcpp" / "models", _JAN_DEPTH)


def _data_folders(around: Surroundings) -> tuple[Path, ...]:
    """Where programs keep their data, and their settings."""
    home = around.home
    if around.platform == "darwin":
        return (home / "Library" / "Application Support",)
    if around.platform == "win32":
        return (around.path("APPDATA") or home / "AppData" / "Roaming",)
    data = around.path("XDG_DATA_HOME") or home / ".local" / "share"
    return (data, around.path("XDG_CONFIG_HOME") or home / ".config")


def _hugging_face(around: Surroundings) -> Iterator[Source]:
    cache = around.path("XDG_CACHE_HOME") or around.home / ".cache"
    home = around.path("HF_HOME") or cache / "huggingface"
    named = around.path("HF_HUB_CACHE") or around.path("HUGGINGFACE_HUB_CACHE")
    for folder in (named, home / "hub", around.home / ".cache" / "huggingface" / "hub"):
        if folder is not None:
            yield HubCache(folder)


def _named_in(settings: Path, name: str) -> tuple[Path, ...]:
    """The folder that a program's settings name, if they name one."""
    try:
        value = json.loads(_text(settings) or "{}").get(name, "")
    except (ValueError, RecursionError, AttributeError):
        return ()
    return (Path(value),) if isinstance(value, str) and value and Path(value).is_absolute() else ()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BYTES).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
