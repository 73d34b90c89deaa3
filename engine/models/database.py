"""Small SQLite files that are never in the way: what is damaged is set aside and begun anew, nothing waits for long."""

import logging
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

WAIT_S: Final = 2.0
"""Longest wait for another Hearth that writes into the same file."""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_COMPANIONS: Final = ("-wal", "-shm")


def open_database(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open a database, or make it; one that is damaged, or of another version, is set aside first.

    Where nothing may be written, what is there is read.

    Args:
        path: of the file; its folder is made.
        schema: statements that make its tables.
        version: of that schema.

    Raises:
        OSError: its folder cannot be made.
        sqlite3.Error: it can neither be opened nor made, or is locked by somebody else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, schema, version)
    except sqlite3.Error as error:
        if is_damage(error):
            set_aside(path, str(error))
            return _open(path, schema, version)
        if not path.exists():
            raise
        log.warning("%s can only be read: %s", path, error)
        return _open_to_read(path)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is broken, and not only that it cannot be had now."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in _DAMAGED


def set_aside(path: Path, why: str) -> None:
    """Give a file another name, so that a new one can take its place."""
    aside = path.with_name(f"{path.name}.corrupt-{time.time_ns() // 1_000_000}")
    log.warning("%s is damaged (%s) and is set aside as %s", path, why, aside.name)
    with suppress(OSError):
        os.replace(path, aside)
    for companion in _COMPANIONS:  # they belong to the old file; a new one must not take them for its own
        with suppress(OSError):
            os.replace(f"{path}{companion}", f"{aside}{companion}")


def _open(path: Path, schema: str, version: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_S, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version={version}; COMMIT")
        elif found != version:
            connection.close()
            set_aside(path, f"its version is {found} instead of {version}")
            return _open(path, schema, version)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file in a folder where SQLite may not even note that it reads."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, timeout=WAIT_S, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
