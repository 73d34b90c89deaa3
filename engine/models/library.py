"""ModelLibrary: folders of model files, listed by what their headers say."""

import difflib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.gguf import DOWNLOAD_AGAIN, read_header
from engine.models.gguf_info import describe as describe_gguf
from engine.models.onnx import describe as describe_onnx
from engine.types import ModelInfo

MAX_DEPTH: Final = 3
MAX_FILES: Final = 10_000  # per folder tree; somebody may point at a whole disk

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)

_Stamp = tuple[int, int]  # modification time in ns, size in bytes
_Known = tuple[_Stamp, ModelInfo | ModelFileError]


class ModelLibrary:
    """All models in some folders.

    Headers are read once per version of a file; a scan of known files costs one `stat` each.

    Thread: any.

    Attributes:
        broken: files of the last scan that look like models but cannot be used, each with the reason.
    """

    def __init__(self, dirs: Sequence[Path]) -> None:
        """Make a library.

        Args:
            dirs: folders to search, three levels deep; they need not exist. Earlier ones keep the plain id when
                two files have the same name, so the bundled folder goes first.
        """
        self._dirs = tuple(dirs)
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}  # guarded by _lock; replaced, never changed
        self.broken: tuple[tuple[Path, str], ...] = ()

    def scan(self) -> tuple[ModelInfo, ...]:
        """List the models, sorted by id; unusable files are left out and kept in `broken`."""
        with self._lock:
            return self._scan()

    def _scan(self) -> tuple[ModelInfo, ...]:
        known: dict[Path, _Known] = {}
        models: dict[str, ModelInfo] = {}
        broken: list[tuple[Path, str]] = []
        for path in self._files():
            try:
                known[path] = self._look(path)
            except FileNotFoundError:
                continue  # removed since it was listed
            found = known[path][1]
            if isinstance(found, ModelFileError):
                broken.append((path, str(found)))
            else:
                model_id = _unique(found.id, models)
                models[model_id] = replace(found, id=model_id)
        self._known = known
        self.broken = tuple(broken)
        return tuple(models[model_id] for model_id in sorted(models))

    def find(self, name: str) -> ModelInfo:
        """Find a model by its id (in any case), else by the path of a file.

        Raises:
            ModelNotFoundError: neither is there; names what is.
            ModelFileError: the file is there but cannot be used.
        """
        models = {model.id: model for model in self.scan()}
        if found := models.get(name.strip().lower()):
            return found
        path = _path(name)
        if path is not None and _exists(path):
            by_path = {model.path: model for model in models.values()}
            return by_path.get(path) or _outside(path, models)
        self._raise_broken(name)
        if path is not None and ("/" in name or os.sep in name or _is_model_name(path.name)):
            raise ModelNotFoundError(f"There is no file {name}.", _known_names(name, models))
        raise ModelNotFoundError(f"No model is called {name}.", _known_names(name, models))

    def _raise_broken(self, name: str) -> None:
        """Somebody who asks for a broken file by its id should hear what is wrong with it."""
        for path, (_, found) in self._known.items():
            if isinstance(found, ModelFileError) and model_id(path) == name.strip().lower():
                raise found

    def _files(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for folder in self._dirs:
            for path in _walk(folder.expanduser()):
                real = path.resolve()
                if real not in seen:
                    seen.add(real)
                    yield path

    def _look(self, path: Path) -> _Known:
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path.suffix.lower() == ".onnx":  # its card and tokenizer lie beside it and can change by themselves
            stamp = (stamp[0] + _neighbour_time(path), stamp[1])
        known = self._known.get(path)
        if known and known[0] == stamp:
            return known
        try:
            return stamp, _describe(path)
        except ModelFileError as error:
            return stamp, error


def model_id(path: Path) -> str:
    """Id that a file would like to have: its name without suffix and part number, in lower case.

    ONNX files are often called just `model.onnx`; those are named after their folder.
    """
    part = _PART.fullmatch(path.stem)
    stem = part["stem"] if part else path.stem
    if stem.lower() == "model":
        folder = path.parent.parent if path.parent.name == "onnx" else path.parent
        stem = folder.name or stem
    return stem.lower()


def _describe(path: Path) -> ModelInfo:
    if path.suffix.lower() == ".onnx":
        return describe_onnx(path, model_id(path))
    return describe_gguf(read_header(path), model_id(path), size_bytes=_total_size(path))


def _outside(path: Path, models: dict[str, ModelInfo]) -> ModelInfo:
    """Describe a file that is not in the library; its id must not hide one that is."""
    found = _describe(path)
    return replace(found, id=_unique(found.id, models))


def _total_size(path: Path) -> int | None:
    """Bytes of all parts of a split model; None if the file is not a part."""
    part = _PART.fullmatch(path.stem)
    if part is None:
        return None
    total = 0
    for number in range(1, int(part["count"]) + 1):
        sibling = path.with_name(f"{part['stem']}-{number:05}-of-{part['count']}{path.suffix}")
        try:
            total += sibling.stat().st_size
        except FileNotFoundError as error:
            cause = f"The model {path.name} is incomplete: {sibling.name} is missing."
            raise ModelFileError(cause, DOWNLOAD_AGAIN) from error
    return total


def _walk(folder: Path, depth: int = 1) -> Iterator[Path]:
    """Model files of a folder and its subfolders, in a fixed order, hidden ones left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # not there, or not ours to read
    for entry in entries[:MAX_FILES]:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if depth < MAX_DEPTH:
                yield from _walk(Path(entry.path), depth + 1)
        elif _is_model_name(entry.name) and not _is_later_part(entry.name):
            yield Path(entry.path)


def _is_model_name(name: str) -> bool:
    return name.lower().endswith((".gguf", ".onnx"))


def _is_later_part(name: str) -> bool:
    part = _PART.fullmatch(Path(name).stem)
    return part is not None and int(part["number"]) != 1


def _neighbour_time(path: Path) -> int:
    times = 0
    for neighbour in (path.with_suffix(".json"), path.with_name("tokenizer.json")):
        try:
            times += neighbour.stat().st_mtime_ns
        except OSError:
            continue
    return times


def _unique(wanted: str, taken: dict[str, ModelInfo]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _path(name: str) -> Path | None:
    try:
        return Path(name).expanduser().absolute()
    except (RuntimeError, ValueError):  # no home folder for ~
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file system can hold
        return False


def _known_names(name: str, models: dict[str, ModelInfo]) -> str:
    if not models:
        return "There are no models yet; put a .gguf or .onnx file into the models folder."
    close = difflib.get_close_matches(name.lower(), models, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known are: {', '.join(sorted(models)[:20])}."
