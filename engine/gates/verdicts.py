"""What the gates have found out, kept in one small file by the digest of the content, for one version of the engine."""

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from engine.cards import GateReport, Trust
from engine.gates.file_set import Stamp, stamp_of
from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

MAX_ENTRIES: Final = 4096
MAX_BYTES: Final = 16 << 20
_FORMAT: Final = 1


class _Result(msgspec.Struct, frozen=True):
    """What came of trying a content.

    Attributes:
        engine: that tried it, with the version of the rules.
    """

    engine: str
    trust: Trust
    rule: str = ""
    cause: str = ""
    remedy: str = ""


class _Seen(msgspec.Struct, frozen=True):
    """A model as it was when it was tried.

    Attributes:
        digest: of its content.
        files: that it consists of, each with its stamp; None if it was missing.
    """

    digest: str
    files: tuple[tuple[str, Stamp | None], ...]


class _Book(msgspec.Struct):
    """The file.

    Attributes:
        format: of the file.
        results: digest -> result.
        seen: path of a model's first file -> what it was.
    """

    format: int = _FORMAT
    results: dict[str, _Result] = msgspec.field(default_factory=dict)
    seen: dict[str, _Seen] = msgspec.field(default_factory=dict)


class Verdicts:
    """Remembers results; a damaged file counts as an empty one, and is replaced with the next result.

    Thread: any. Several processes may share the file.
    """

    def __init__(self, path: Path) -> None:
        """Remember in a file, which is read when it is first needed.

        Args:
            path: of the file; it need not exist.
        """
        self._path = path
        self._lock = threading.Lock()
        self._book: _Book | None = None  # guarded by _lock

    def of_files(self, path: str, engine: str) -> GateReport | None:
        """What is known of a model whose files are as they were; costs a `stat` of each.

        Args:
            path: of its first file, absolute.
            engine: that must have tried it.
        """
        with self._lock:
            book = self._read()
            seen = book.seen.get(path)
            result = book.results.get(seen.digest) if seen is not None else None
        if seen is None or result is None or result.engine != engine:
            return None
        if any(stamp_of(name) != stamp for name, stamp in seen.files):
            return None
        return _report(result)

    def of_content(self, digest: str, engine: str) -> GateReport | None:
        """What is known of a content, wherever it was."""
        with self._lock:
            result = self._read().results.get(digest)
        return _report(result) if result is not None and result.engine == engine else None

    def note(
        self,
        files: Iterable[tuple[Path, Stamp | None]],
        digest: str,
        engine: str,
        report: GateReport,
    ) -> None:
        """Keep a result; where it cannot be written it holds until the program ends.

        Args:
            files: of the model, as they were before it was tried.
            digest: of their content.
            engine: that tried it.
            report: what came of it.
        """
        result = _Result(engine, report.trust, report.rule, report.cause, report.remedy)
        seen = _Seen(digest, tuple((str(path), stamp) for path, stamp in files))
        with self._lock:
            self._enter(self._read(), seen, result)
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with exclusive(self._path):
                    book = self._load()  # another Hearth may have added something
                    self._enter(book, seen, result)
                    replace_file(self._path, msgspec.json.encode(book))
            except OSError as error:
                log.warning("%s could not be written: %s", self._path, error)
                return
            self._book = book

    def _enter(self, book: _Book, seen: _Seen, result: _Result) -> None:
        for table, key, value in ((book.results, seen.digest, result), (book.seen, seen.files[0][0], seen)):
            table.pop(key, None)  # so that it comes last
            while len(table) >= MAX_ENTRIES:
                del table[next(iter(table))]
            table[key] = value  # type: ignore[assignment]

    def _read(self) -> _Book:
        if self._book is None:
            self._book = self._load()
        return self._book

    def _load(self) -> _Book:
        with suppress(OSError, msgspec.DecodeError):
            if self._path.stat().st_size <= MAX_BYTES:
                book = msgspec.json.decode(self._path.read_bytes(), type=_Book)
                if book.format == _FORMAT:
                    return book
        return _Book()


def _report(result: _Result) -> GateReport:
    return GateReport(trust=result.trust, rule=result.rule, cause=result.cause, remedy=result.remedy)
