"""ModelLibrary: folders of model files, listed by what their headers say and by what the plugins make of them."""

import difflib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.cards import ModelDefaults, Origin
from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.catalogue import Catalogue, Known
from engine.models.index import LibraryIndex
from engine.models.model_file import Stamp, stamp_of
from engine.models.notes import NOTHING, Note, Notes
from engine.models.sources import FolderSource, Found, Source
from engine.models.speeds import Speeds
from engine.models.variants import variants_of
from engine.models.walk import Seen, is_model_name, model_id
from engine.plugins.bundled import bundled_registry
from engine.plugins.contract.models import ModelFacts
from engine.plugins.registry import Registry
from engine.types import ModelInfo

_CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of the library.

    Attributes:
        info: with what plugins, and the person, say.
        found: where it is.
        known: what was read.
    """

    info: ModelInfo
    found: Found
    known: Known


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that looks like a model, but cannot be used."""

    found: Found
    error: ModelFileError


class ModelLibrary:
    """All models in some folders.

    Headers are read once per version of a file, and plugins are asked once per version of a file and of the registry,
    which is kept between runs; a scan of known files costs one `stat` each.

    Thread: any.

    Attributes:
        notes: what people and Hearth have written down about single models.
        speeds: how fast they were.
        scanned_at_ns: when the last scan began, since 1970.
    """

    def __init__(
        self,
        dirs: Sequence[Path | Source],
        registry: Registry | None = None,
        notes: Notes | None = None,
        index: LibraryIndex | None = None,
        others: Callable[[], Sequence[Source]] = tuple,
    ) -> None:
        """Make a library; nothing is read yet.

        Args:
            dirs: folders to search, three levels deep; they need not exist. Earlier ones keep the plain id when
                two files have the same name, so the bundled folder goes first.
            registry: says what can be done with a model; the bundled plugins' if not given.
            notes: what people have written down; kept in memory only if not given.
            index: keeps what was read between runs; nothing is kept if not given.
            others: more sources, asked for at each scan; they come last.
        """
        self.notes = notes if notes is not None else Notes()
        self.speeds = Speeds(self.notes)
        self._sources = [FolderSource(Origin.FOLDER, it) if isinstance(it, Path) else it for it in dirs]
        self._others = others
        self._registry = registry if registry is not None else bundled_registry()
        self._lock = threading.RLock()
        self._catalogue = Catalogue(self._registry, index)  # guarded by _lock
        self._entries: Mapping[str, Entry] = {}  # replaced, never changed
        self._broken: tuple[Broken, ...] = ()
        self._seen: Seen = {}  # replaced, never changed
        self._notes_version = -1
        self._version = 0
        self.scanned_at_ns = 0

    @property
    def version(self) -> int:
        """Goes up whenever a scan finds something else than the one before, and when a note or a speed changes."""
        return self._version + self.notes.version + self.speeds.version

    @property
    def broken(self) -> tuple[tuple[Path, str], ...]:
        """Files of the last scan that look like models but cannot be used, each with the reason."""
        return tuple((broken.found.path, str(broken.error)) for broken in self._broken)

    @property
    def refused(self) -> tuple[Broken, ...]:
        """The same, with where they were found."""
        return self._broken

    @property
    def seen(self) -> Seen:
        """Folders that the last scan looked into, with the time of their last change then."""
        return self._seen

    @property
    def is_stale(self) -> bool:
        """Whether plugins have come or gone since they were asked about the models of the last scan."""
        return any(entry.known.version != self._registry.version for entry in self._entries.values())

    def sources(self) -> tuple[Source, ...]:
        """Everything that is searched now."""
        return (*self._sources, *self._others())

    def scan(self) -> tuple[ModelInfo, ...]:
        """List the models, sorted by id; unusable files are left out and kept in `broken`."""
        return tuple(entry.info for entry in self.entries())

    def entries(self) -> tuple[Entry, ...]:
        """List the models with where they were found, sorted by id."""
        with self._lock:
            self._scan()
            return tuple(self._entries.values())

    def entry(self, name: str) -> Entry:
        """Find a model by its id (in any case), else by the path of a file.

        Raises:
            ModelNotFoundError: neither is there; names what is.
            ModelFileError: the file is there but cannot be used.
        """
        if (same := self._unchanged(name)) is not None:
            return same
        with self._lock:
            self._scan()
            entries = self._entries
            if found := entries.get(name.strip().lower()):
                return found
            path = _path(name)
            if path is not None and _exists(path):
                inside = next((entry for entry in entries.values() if entry.info.path == path), None)
                return inside or self._outside(path)
        self._raise_broken(name)
        if path is not None and ("/" in name or os.sep in name or is_model_name(path.name)):
            raise ModelNotFoundError(f"There is no file {name}.", _known_names(name, entries))
        raise ModelNotFoundError(f"No model is called {name}.", _known_names(name, entries))

    def find(self, name: str) -> ModelInfo:
        """Find a model by its id (in any case), else by the path of a file.

        Raises:
            ModelNotFoundError: neither is there; names what is.
            ModelFileError: the file is there but cannot be used.
        """
        return self.entry(name).info

    def facts(self, entry: Entry) -> ModelFacts | None:
        """What plugins are told of a model; None if they are told nothing."""
        with self._lock:
            return self._catalogue.facts(entry.known)

    def wishes(self, info: ModelInfo) -> ModelDefaults:
        """What a person has set for a model; microseconds."""
        return self.notes.of(info.path).defaults

    def templates(self) -> Mapping[str, str]:
        """Chat templates of all models of the last scan, by their SHA-256."""
        with self._lock:
            return self._catalogue.templates()

    def close(self) -> None:
        """Close the files that it keeps things in; they open again when they are needed."""
        # Somebody may be reading thousands of files for the first time; what they found is kept bit by bit.
        if self._lock.acquire(timeout=_CLOSE_S):
            try:
                self._catalogue.close()
            finally:
                self._lock.release()
        self.speeds.flush()
        self.notes.close()

    def _unchanged(self, name: str) -> Entry | None:
        """A model that was found before and is as it was; None if one has to look."""
        entry = self._entries.get(name.strip().lower())
        if entry is None or entry.known.version != self._registry.version:
            return None
        if self.notes.version != self._notes_version or _stamp(entry.info.path) != entry.known.stamp:
            return None
        return entry

    def _scan(self) -> None:
        """Look at everything. Hold the lock."""
        seen, began_ns = Seen(), time.time_ns()
        entries: dict[str, Entry] = {}
        broken: list[Broken] = []
        found = list(self._files(seen))
        known = self._catalogue.look(found)
        self.notes.follow(known.keys(), self._catalogue.fresh)
        notes_version, notes = self.notes.version, self.notes.all()
        for it in found:
            path = str(it.path)
            if (now := known.get(path)) is None:
                continue  # removed since it was listed
            if now.model is None:
                broken.append(Broken(it, now.refusal))
                continue
            info = _with_note(now.model, notes.get(path, NOTHING))
            model_id = _unique(info.id, entries)
            entries[model_id] = Entry(info if info.id == model_id else replace(info, id=model_id), it, now)
        entries = {model_id: entries[model_id] for model_id in sorted(entries)}
        if _shown(entries, broken) != _shown(self._entries, self._broken):
            self._version += 1
        self._entries, self._broken = entries, tuple(broken)
        self._seen, self.scanned_at_ns, self._notes_version = seen, began_ns, notes_version

    def _files(self, seen: Seen) -> Iterator[Found]:
        reached: set[str] = set()
        for source in self.sources():
            for found in source.files(seen):
                if found.real not in reached:
                    reached.add(found.real)
                    yield found

    def _raise_broken(self, name: str) -> None:
        """Somebody who asks for a broken file by its id should hear what is wrong with it."""
        for broken in self._broken:
            if (broken.found.id or model_id(broken.found.path)) == name.strip().lower():
                raise broken.error

    def _outside(self, path: Path) -> Entry:
        """Describe a file that is not in the library; its id must not hide one that is. Hold the lock."""
        found = Found(path=path, real=os.path.realpath(path), origin=Origin.FOLDER, folder=path.parent)
        known = self._catalogue.look_outside(found)
        if known is None:
            raise ModelNotFoundError(f"There is no file {path}.", "Check the path.")
        if known.model is None:
            raise known.refusal
        info = _with_note(known.model, self.notes.of(path))
        return Entry(replace(info, id=_unique(info.id, self._entries)), found, known)


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


def _shown(entries: Mapping[str, Entry], broken: Sequence[Broken]) -> tuple[object, ...]:
    """What two scans are compared by."""
    models = [(entry.info, entry.found, entry.known.stamp) for entry in entries.values()]
    return models, [(it.found, it.error.args) for it in broken]


def _with_note(model: ModelInfo, note: Note) -> ModelInfo:
    """A model with what the person has set for it instead of what its author recommends."""
    return model if note.defaults.sampling is None else replace(model, sampling=note.defaults.sampling)


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp_of(path)
    except OSError:
        return None


def _unique(wanted: str, taken: Mapping[str, Entry]) -> str:
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


def _known_names(name: str, models: Mapping[str, Entry]) -> str:
    if not models:
        return "There are no models yet; put a .gguf or .onnx file into the models folder."
    close = difflib.get_close_matches(name.lower(), models, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Known are: {', '.join(sorted(models)[:20])}."
