"""LibraryIndex: what the library has read of files, kept between runs, so that thousands of models open at once.

Only what can be found out again is in it. A damaged file is set aside, and everything is read anew; a full disk costs
no more than that the next start reads again.
"""

import functools
import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec

from engine.build import build_info
from engine.models.database import is_damage, open_database, set_aside
from engine.models.model_file import Stamp
from engine.plugins.bundled import bundled_dir
from engine.plugins.contract.models import ModelFacts, TensorFacts
from engine.programs import is_frozen, own_program
from engine.requests import Accepts, Sampling
from engine.types import ModelInfo

log = logging.getLogger(__name__)

VERSION: Final = 1
_USUAL: Final = Sampling()
_SCHEMA: Final = """
CREATE TABLE models (path TEXT PRIMARY KEY, row BLOB) WITHOUT ROWID;
CREATE TABLE facts (path TEXT PRIMARY KEY, facts BLOB);
CREATE TABLE templates (sha256 TEXT PRIMARY KEY, template TEXT);
CREATE TABLE program (stamp TEXT)
"""


class Offered(msgspec.Struct, frozen=True, array_like=True):
    """What plugins say of a model.

    Attributes:
        by: tells which plugins were asked; see `Registry.recognisers`.
    """

    by: str
    accepts: tuple[Accepts, ...] = ()
    tasks: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


class KeptInfo(msgspec.Struct, frozen=True, array_like=True):
    """`ModelInfo` without what is known otherwise: its path, and what plugins say."""

    id: str
    format: Literal["gguf", "onnx"]
    name: str
    architecture: str
    size_bytes: int
    parameters: int | None
    quantization: str | None
    context_tokens: int | None
    licence: str | None
    sampling: Sampling | None

    @classmethod
    def of(cls, info: ModelInfo) -> Self:
        """What is kept of it."""
        return cls(
            info.id, info.format, info.name, info.architecture, info.size_bytes, info.parameters, info.quantization,
            info.context_tokens, info.licence, None if info.sampling == _USUAL else info.sampling,
        )  # fmt: skip

    def info(self, path: Path, offered: Offered) -> ModelInfo:
        """The whole of it."""
        return ModelInfo(
            id=self.id,
            path=path,
            format=self.format,
            name=self.name,
            architecture=self.architecture,
            size_bytes=self.size_bytes,
            parameters=self.parameters,
            quantization=self.quantization,
            context_tokens=self.context_tokens,
            accepts=frozenset(offered.accepts),
            tasks=offered.tasks,
            plugins=offered.plugins,
            licence=self.licence,
            sampling=self.sampling or _USUAL,
        )


class Row(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a file.

    Attributes:
        stamp: of the file when it was read.
        added_at: seconds since 1970, when it was first seen.
        info: without what plugins say; None if the file cannot be used.
        refusal: cause, remedy and rule, if it cannot.
        has_facts: whether there is something to tell plugins.
        template: SHA-256 of its chat template; empty if it has none.
        files: that belong to the model.
        offered: what plugins said last.
    """

    stamp: Stamp
    added_at: float
    info: KeptInfo | None
    refusal: tuple[str, ...] = ()
    has_facts: bool = False
    template: str = ""
    files: tuple[str, ...] = ()
    offered: Offered | None = None


class _Facts(msgspec.Struct, frozen=True, array_like=True):
    """`ModelFacts` in a form that can be decoded: its own refers to itself."""

    file_name: str
    format: str
    name: str
    architecture: str
    metadata: dict[str, str | int | float | bool]
    special_tokens: dict[str, int]
    bos: str
    eos: str
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    card: dict[str, Any]
    has_tokenizer: bool


_ROWS: Final = msgspec.json.Decoder(Row)
_WRITER: Final = msgspec.json.Encoder()
_FACTS: Final = msgspec.json.Decoder(_Facts)

New = tuple[str, Row, ModelFacts | None, str]
"""Path, row, facts and template of a file; without facts and template where those are kept already."""


class LibraryIndex:
    """The index of one library.

    Thread: one at a time.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Make an index; the file is opened when it is first needed.

        Args:
            file: it need not exist; None keeps nothing.
        """
        self._file = file
        self._database: sqlite3.Connection | None = None
        self._was_opened = False

    def load(self) -> Mapping[str, Row]:
        """All rows by path; those of another version of the program count as read long ago."""
        try:
            database = self._open()
            if database is None:
                return {}
            rows = {path: _row(data) for path, data in database.execute("SELECT path, row FROM models")}
            stamp = database.execute("SELECT stamp FROM program").fetchone()
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return {}
        read = {path: row for path, row in rows.items() if row is not None}
        if len(read) < len(rows):
            log.warning("%d rows of the index of models cannot be read", len(rows) - len(read))
        if stamp is None or stamp[0] != program_stamp():
            return {path: msgspec.structs.replace(row, stamp=(0, 0, 0)) for path, row in read.items()}
        return read

    def save(self, new: Sequence[New], gone: Iterable[str] = ()) -> bool:
        """Keep rows, and drop those of files that are gone; returns whether that was done."""
        try:
            database = self._open()
            if database is None:
                return False
            with _writing(database):
                database.execute("DELETE FROM program")
                database.execute("INSERT INTO program VALUES (?)", (program_stamp(),))
                for path in gone:
                    database.execute("DELETE FROM models WHERE path = ?", (path,))
                    database.execute("DELETE FROM facts WHERE path = ?", (path,))
                for path, row, facts, template in new:
                    database.execute("INSERT OR REPLACE INTO models VALUES (?, ?)", (path, _WRITER.encode(row)))
                    if facts is not None:
                        database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (path, _encoded(facts)))
                    if template:
                        database.execute("INSERT OR IGNORE INTO templates VALUES (?, ?)", (row.template, template))
            return True
        except (sqlite3.Error, OSError, msgspec.MsgspecError, UnicodeError) as error:
            self._fail(error)
            return False

    def facts(self, path: str) -> ModelFacts | None:
        """What plugins are told of a file; None if that is not kept."""
        try:
            database = self._open()
            kept = database.execute("SELECT facts FROM facts WHERE path = ?", (path,)).fetchone() if database else None
            return None if kept is None else _decoded(kept[0])
        except (sqlite3.Error, OSError, msgspec.MsgspecError, RecursionError) as error:
            self._fail(error)
            return None

    def templates(self) -> Mapping[str, str]:
        """All chat templates, by their SHA-256."""
        try:
            database = self._open()
            return dict(database.execute("SELECT sha256, template FROM templates")) if database else {}
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return {}

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        if self._database is not None:
            self._database.close()
        self._database, self._was_opened = None, False

    def _open(self) -> sqlite3.Connection | None:
        if self._database is None and self._file is not None and not self._was_opened:
            self._was_opened = True  # tried once: what cannot be opened now cannot be in a moment either
            self._database = open_database(self._file, _SCHEMA, VERSION)
        return self._database

    def _fail(self, error: Exception) -> None:
        log.warning("the index of models %s cannot be used: %s", self._file, error)
        if not isinstance(error, sqlite3.Error) or not is_damage(error) or self._file is None:
            return
        if self._database is not None:
            self._database.close()
            self._database = None
        set_aside(self._file, str(error))
        with suppress(sqlite3.Error, OSError):
            self._database = open_database(self._file, _SCHEMA, VERSION)


class _writing:  # noqa: N801 - used like a function
    """A transaction; kept if nothing goes wrong."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._database.execute("COMMIT")
        else:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")


@functools.cache
def program_stamp() -> str:
    """Tells whether rows were written by this very program; another one may read or recognise files otherwise."""
    digest = hashlib.sha256()
    own = sorted(Path(__file__).parent.rglob("*.py"))
    if is_frozen():  # then modules have no files of their own, and there may be two programs, which must agree
        digest.update(repr(build_info()).encode())
        own = [Path(own_program())]
    for files in (own, sorted(bundled_dir().rglob("*.py"))):
        for path in files:
            with suppress(OSError):
                status = os.stat(path)
                digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _row(data: bytes) -> Row | None:
    """A row; None if it is damaged, or of another version of the program."""
    try:
        return _ROWS.decode(data)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _encoded(facts: ModelFacts) -> bytes:
    kept = _Facts(
        facts.file_name, facts.format, facts.name, facts.architecture, dict(facts.metadata), dict(facts.special_tokens),
        facts.bos, facts.eos, facts.inputs, facts.outputs, dict(facts.card), facts.has_tokenizer,
    )  # fmt: skip
    return msgspec.json.encode(kept)


def _decoded(data: bytes) -> ModelFacts:
    kept = _FACTS.decode(data)
    return ModelFacts(
        file_name=kept.file_name,
        format="onnx" if kept.format == "onnx" else "gguf",
        name=kept.name,
        architecture=kept.architecture,
        metadata=kept.metadata,
        special_tokens=kept.special_tokens,
        bos=kept.bos,
        eos=kept.eos,
        inputs=kept.inputs,
        outputs=kept.outputs,
        card=kept.card,
        has_tokenizer=kept.has_tokenizer,
    )
