"""Notes: what people and Hearth have written down about single models, kept apart from what can be found out again.

They go with the file: one that was moved or renamed keeps its note, which is told by its content.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from engine.cards import ModelDefaults
from engine.errors import ConfigError
from engine.models.database import is_damage, open_database, set_aside
from engine.models.fingerprint import content_of
from engine.quality import QualityReport

log = logging.getLogger(__name__)

VERSION: Final = 1
_SCHEMA: Final = "CREATE TABLE notes (path TEXT PRIMARY KEY, size INTEGER, content BLOB, note BLOB) WITHOUT ROWID"
_WRITE: Final = "INSERT OR REPLACE INTO notes (path, size, content, note) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is written down about one model; see `engine.cards` for what the fields mean.

    Attributes:
        stamp: size and time of change of the file that `sha256`, `repo`, `revision`, `url`, `made_from` and `report`
            are about; of another file they say nothing.
    """

    title: str = ""
    tags: tuple[str, ...] = ()
    is_favourite: bool = False
    defaults: ModelDefaults = field(default_factory=ModelDefaults)
    repo: str = ""
    revision: str = ""
    url: str = ""
    made_from: str = ""
    added_at: float = 0.0
    sha256: str = ""
    stamp: tuple[int, int] = (0, 0)
    tokens_per_s: float | None = None
    measured_on: str = ""
    report: QualityReport | None = None


NOTHING: Final = Note()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A note, and which file it is about.

    Attributes:
        size: of the file.
        content: tells whether another file is the same; empty if it could not be read.
        note: about it.
    """

    size: int
    content: bytes
    note: Note


class Notes:
    """Notes of all models, in one file that several Hearths share.

    A damaged file is set aside and begun anew. Where nothing can be written, what is there is read.

    Thread: any.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Make them; the file is opened when it is first needed.

        Args:
            file: it need not exist; None keeps notes in memory only.
        """
        self._file = file
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None  # guarded by _lock
        self._is_open = file is None  # guarded by _lock
        self._known: dict[str, _Kept] = {}  # guarded by _lock
        self._seen_version = -1  # guarded by _lock; of the file, when it was last read
        self._was_damaged = False  # guarded by _lock
        self._version = 0  # guarded by _lock

    @property
    def version(self) -> int:
        """A number that changes with every change of a note, here or in another process; microseconds."""
        with self._lock:
            self._refresh()
            return self._version

    def of(self, path: Path) -> Note:
        """The note about a file; an empty one if there is none. Microseconds."""
        with self._lock:
            self._refresh()
            kept = self._known.get(str(path))
        return kept.note if kept is not None else NOTHING

    def all(self) -> Mapping[str, Note]:
        """All notes, by the path of their file."""
        with self._lock:
            self._refresh()
            return {path: kept.note for path, kept in self._known.items()}

    def change(self, path: Path, how: Callable[[Note], Note]) -> Note:
        """Change the note about a file; returns the new one.

        Raises:
            ConfigError: it cannot be kept; the old one holds.
        """
        identity = _identity(path, self._known.get(str(path)))  # reads the file, for which nobody else should wait
        with self._lock:
            self._refresh()
            kept = self._known.get(str(path))
            old = kept.note if kept is not None else NOTHING
            new = how(old)
            if new != old:
                self._keep(str(path), _Kept(*identity, new))
            return new

    def forget(self, path: Path) -> None:
        """Drop the note about a file that is gone for good."""
        with self._lock:
            self._refresh()
            if self._known.pop(str(path), None) is not None:
                self._version += 1
                self._execute("DELETE FROM notes WHERE path = ?", (str(path),))

    def follow(self, here: Collection[str], fresh: Collection[str]) -> None:
        """Give notes whose file has gone to a file of the same content that has come.

        Args:
            here: all files that are here now.
            fresh: those of them that are new, or different.
        """
        with self._lock:
            self._refresh()
            if not self._known or not fresh:
                return
            lost = [path for path in self._known if path not in here and not Path(path).exists()]
            for old in lost:
                kept = self._known[old]
                heir = next((path for path in fresh if self._is_heir(path, kept)), None)
                if heir is not None:
                    self._move(old, heir, kept)

    def close(self) -> None:
        """Close the file; may be called twice, and it opens again when it is needed."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None
            self._is_open = self._file is None

    def _is_heir(self, path: str, kept: _Kept) -> bool:
        if not kept.content or path in self._known:
            return False
        try:
            return Path(path).stat().st_size == kept.size and content_of(Path(path)) == kept.content
        except OSError:
            return False

    def _move(self, old: str, new: str, kept: _Kept) -> None:
        try:
            self._keep(new, kept)
        except ConfigError as error:
            log.warning("the note of %s cannot go along: %s", old, error)
            return
        del self._known[old]
        self._execute("DELETE FROM notes WHERE path = ?", (old,))

    def _keep(self, path: str, kept: _Kept) -> None:
        if self._file is not None:
            if self._database is None:
                raise self._unkept("it cannot be opened")
            row = (path, kept.size, kept.content, msgspec.json.encode(kept.note))
            try:
                self._database.execute(_WRITE, row)
            except sqlite3.Error as error:
                raise self._unkept(str(error)) from error
        self._known[path] = kept
        self._version += 1

    def _execute(self, statement: str, values: tuple[str, ...]) -> None:
        try:
            if self._database is not None:
                self._database.execute(statement, values)
        except sqlite3.Error as error:
            log.warning("%s cannot be changed: %s", self._file, error)

    def _unkept(self, why: str) -> ConfigError:
        return ConfigError(f"This cannot be kept in {self._file}: {why}.", "Free space, or check its permissions.")

    def _refresh(self) -> None:
        """Open the file, or read it again if another process has changed it."""
        if self._file is None:
            return
        try:
            if not self._is_open:
                self._is_open = True  # tried once; a disk that has no room now has none in a moment either
                self._seen_version = -1
                self._database = open_database(self._file, _SCHEMA, VERSION)
            if self._database is None:
                return
            version = self._database.execute("PRAGMA data_version").fetchone()[0]
            if version != self._seen_version:
                self._known = dict(_rows(self._database))
                self._seen_version = version
                self._version += 1
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error | OSError) -> None:
        log.warning("%s cannot be read: %s", self._file, error)
        database, self._database = self._database, None
        if self._file is None or not isinstance(error, sqlite3.Error) or not is_damage(error) or self._was_damaged:
            return
        self._was_damaged = True  # a file that cannot even be set aside is tried once
        saved = {**self._known, **_saved_rows(database)}
        if database is not None:
            database.close()
        set_aside(self._file, str(error))
        self._is_open, self._known = False, {}
        self._refresh()
        for path, kept in saved.items():
            with suppress(ConfigError):
                self._keep(path, kept)


def note_stamp(path: Path) -> tuple[int, int]:
    """What a note that is about the content of a file is stamped with.

    Raises:
        OSError: it cannot be found.
    """
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def of_this_file(note: Note, path: Path) -> Note:
    """A note without what it says about another file that was at this path before."""
    if note.stamp == NOTHING.stamp:
        return note
    with suppress(OSError):
        if note_stamp(path) == note.stamp:
            return note
    return replace(note, sha256="", repo="", revision="", url="", made_from="", report=None, stamp=NOTHING.stamp)


def _rows(database: sqlite3.Connection) -> Iterable[tuple[str, _Kept]]:
    for path, size, content, note in database.execute("SELECT path, size, content, note FROM notes"):
        try:
            yield path, _Kept(size, content, msgspec.json.decode(note, type=Note))
        except (msgspec.MsgspecError, RecursionError) as error:
            log.warning("the note about %s cannot be read: %s", path, error)


def _saved_rows(database: sqlite3.Connection | None) -> dict[str, _Kept]:
    """What can still be read of a damaged file."""
    saved: dict[str, _Kept] = {}
    with suppress(sqlite3.Error):
        saved.update(_rows(database) if database is not None else ())
    return saved


def _identity(path: Path, kept: _Kept | None) -> tuple[int, bytes]:
    try:
        size = path.stat().st_size
    except OSError:
        return (kept.size, kept.content) if kept is not None else (0, b"")
    if kept is not None and kept.size == size and kept.content:
        return size, kept.content  # what was read once is not read for each change
    return size, _content(path)


def _content(path: Path) -> bytes:
    try:
        return content_of(path)
    except OSError:
        return b""
