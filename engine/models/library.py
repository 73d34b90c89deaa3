"""ModelLibrary: folders of model files, listed by what their headers say and by what the plugins make of them."""

import difflib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.gguf import DOWNLOAD_AGAIN, read_header
from engine.models.gguf_facts import facts_of as facts_of_gguf
from engine.models.gguf_info import can_run
from engine.models.gguf_info import describe as describe_gguf
from engine.models.notes import Notes
from engine.models.onnx import describe as describe_onnx
from engine.models.onnx import read_onnx_header
from engine.models.onnx_facts import facts_of as facts_of_onnx
from engine.models.variants import variants_of
from engine.plugins.bundled import bundled_registry
from engine.plugins.contract.models import ModelFacts
from engine.plugins.registry import Registry
from engine.types import ModelInfo

MAX_DEPTH: Final = 3
MAX_FILES: Final = 10_000  # per folder tree; somebody may point at a whole disk

_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)

_Stamp = tuple[int, int]  # modification time in ns, size in bytes


@dataclass(frozen=True, slots=True)
class _File:
    """What a file is.

    Attributes:
        info: without what plugins say.
        facts: what plugins are told; None if the model cannot be run, whatever they say.
    """

    info: ModelInfo
    facts: ModelFacts | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out about a file.

    Attributes:
        stamp: of the file when it was read.
        file: what it is, or why it cannot be used.
        version: of the registry that was asked.
        model: with what its plugins say; None if it cannot be used.
    """

    stamp: _Stamp
    file: _File | ModelFileError
    version: int
    model: ModelInfo | None


class ModelLibrary:
    """All models in some folders.

    Headers are read once per version of a file, and plugins are asked once per version of a file and of the registry;
    a scan of known files costs one `stat` each.

    Thread: any.

    Attributes:
        broken: files of the last scan that look like models but cannot be used, each with the reason.
        notes: what people and Hearth have written down about single models.
    """

    def __init__(self, dirs: Sequence[Path], registry: Registry | None = None, notes: Notes | None = None) -> None:
        """Make a library.

        Args:
            dirs: folders to search, three levels deep; they need not exist. Earlier ones keep the plain id when
                two files have the same name, so the bundled folder goes first.
            registry: says what can be done with a model; the bundled plugins' if not given.
            notes: what people have written down; kept in memory only if not given.
        """
        self.notes = notes if notes is not None else Notes()
        self._dirs = tuple(dirs)
        self._registry = registry if registry is not None else bundled_registry()
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}  # guarded by _lock; replaced, never changed
        self._elsewhere: dict[Path, _Known] = {}  # guarded by _lock; files that were asked for by their path
        self.broken: tuple[tuple[Path, str], ...] = ()

    @property
    def dirs(self) -> tuple[Path, ...]:
        """The folders that are searched."""
        return self._dirs

    def facts(self, path: Path) -> ModelFacts | None:
        """What plugins were told of a file at the last scan; None if they were told nothing."""
        known = self._known.get(path) or self._elsewhere.get(path)
        return known.file.facts if known is not None and isinstance(known.file, _File) else None

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
                known[path] = self._look(path, self._known.get(path))
            except FileNotFoundError:
                continue  # removed since it was listed
            if (model := known[path].model) is not None:
                model_id = _unique(model.id, models)
                models[model_id] = replace(model, id=model_id)
            else:
                broken.append((path, str(known[path].file)))
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
            return by_path.get(path) or self._outside(path, models)
        self._raise_broken(name)
        if path is not None and ("/" in name or os.sep in name or _is_model_name(path.name)):
            raise ModelNotFoundError(f"There is no file {name}.", _known_names(name, models))
        raise ModelNotFoundError(f"No model is called {name}.", _known_names(name, models))

    def _raise_broken(self, name: str) -> None:
        """Somebody who asks for a broken file by its id should hear what is wrong with it."""
        for path, known in self._known.items():
            if isinstance(known.file, ModelFileError) and model_id(path) == name.strip().lower():
                raise known.file

    def _outside(self, path: Path, models: dict[str, ModelInfo]) -> ModelInfo:
        """Describe a file that is not in the library; its id must not hide one that is."""
        try:
            with self._lock:
                known = self._elsewhere[path] = self._look(path, self._elsewhere.get(path))
        except OSError:
            known = None  # gone meanwhile
        if known is not None and isinstance(known.file, ModelFileError):
            raise known.file
        if known is None or known.model is None:
            raise ModelNotFoundError(f"There is no file {path}.", "Check the path.")
        return replace(known.model, id=_unique(known.model.id, models))

    def _files(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for folder in self._dirs:
            for path in _walk(folder.expanduser()):
                real = path.resolve()
                if real not in seen:
                    seen.add(real)
                    yield path

    def _look(self, path: Path, known: _Known | None) -> _Known:
        """What a file is, given what it was when it was last looked at."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path.suffix.lower() == ".onnx":  # its card and tokenizer lie beside it and can change by themselves
            stamp = (stamp[0] + _neighbour_time(path), stamp[1])
        version = self._registry.version  # before asking: a change meanwhile makes the answer old, never lasting
        if known and known.stamp == stamp and known.version == version:
            return known
        file = known.file if known and known.stamp == stamp else _read_or_refuse(path)
        return _Known(stamp, file, version, None if isinstance(file, ModelFileError) else self._served(file))

    def _served(self, file: _File) -> ModelInfo:
        """Add what the plugins say."""
        if file.facts is None:
            return file.info
        served = self._registry.serve(file.facts)
        return replace(file.info, accepts=served.accepts, tasks=served.tasks, plugins=served.plugins)


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


def _read(path: Path) -> _File:
    """Read what a file says.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it cannot be used; says why.
    """
    if path.suffix.lower() == ".onnx":
        graph = read_onnx_header(path)
        return _File(describe_onnx(path, model_id(path), graph), facts_of_onnx(path, graph))
    header = read_header(path)
    info = describe_gguf(header, model_id(path), size_bytes=_total_size(path))
    return _File(info, facts_of_gguf(header) if can_run(header) else None)


def variants_in(library: ModelLibrary, name: str) -> tuple[ModelInfo, ...]:
    """The files that a name stands for: one for an id or a path, several for the name of a model without its precision.

    Raises:
        ModelNotFoundError: there is none.
        ModelFileError: the file is broken, or not a model.
    """
    try:
        return (library.find(name),)
    except ModelNotFoundError:
        found = variants_of(name.strip().lower(), library.scan())
        if len(found) < 2:
            raise
        return found


def _read_or_refuse(path: Path) -> _File | ModelFileError:
    try:
        return _read(path)
    except ModelFileError as error:
        return error


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
