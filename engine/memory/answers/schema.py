"""What the database of the answers looks like: its settings, and what may be in it before it is opened for use."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PAGE_BYTES: Final = 4096
_JOURNAL_SHARE: Final = 1 / 16
_MOST_JOURNAL_BYTES: Final = 1 << 20
_TABLES: Final = frozenset({"Settings", "Cache"})
_OTHERS: Final = frozenset(
    {
        "sqlite_autoindex_Settings_1",
        "Cache_key_raw",
        "Cache_expire_time",
        "Cache_store_time",
        "Settings_count_insert",
        "Settings_count_delete",
        "Settings_size_insert",
        "Settings_size_update",
        "Settings_size_delete",
    }
)
_NUMBERS_OF_ITS_OWN: Final = frozenset({"count", "size", "hits", "misses"})


class SchemaError(Exception):
    """A database that Hearth has not made."""


def settings_for(size_bytes: int) -> Mapping[str, object]:
    """Settings of the library, all of them, so that none is taken from what the file says.

    Args:
        size_bytes: most that the database may take, its journal not counted.
    """
    journal_bytes = int(min(_MOST_JOURNAL_BYTES, size_bytes * _JOURNAL_SHARE))
    return {
        "statistics": 0,
        "tag_index": 0,
        "eviction_policy": "least-recently-stored",
        "size_limit": size_bytes,
        "cull_limit": 10,
        "sqlite_auto_vacuum": 1,  # full: what is forgotten is given back
        "sqlite_cache_size": 256,  # pages per connection
        "sqlite_journal_mode": "wal",
        "sqlite_journal_size_limit": journal_bytes,
        "sqlite_wal_autocheckpoint": max(8, journal_bytes // _PAGE_BYTES),
        "sqlite_mmap_size": 0,  # a file that somebody cuts short would end the process
        "sqlite_synchronous": 1,  # survives a kill; what a power cut takes is noticed by its digest
        "disk_min_file_size": 1 << 62,
        "disk_pickle_protocol": 0,
    }


def check_schema(database: Path, busy_s: float) -> None:
    """See whether a database can be opened for use: it is ours, or empty, and nobody holds it.

    Why before: the library takes over whatever settings the file names, and waits a minute for a file that is held.

    Raises:
        SchemaError: there is something in it that is not ours.
        sqlite3.Error: it is damaged, or held by another process for longer than this.
    """
    connection = sqlite3.connect(database, timeout=busy_s, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        found = dict(connection.execute("SELECT name, type FROM sqlite_master").fetchall())
        tables = {name for name, kind in found.items() if kind == "table"}
        if not tables <= _TABLES or not found.keys() - tables <= _OTHERS:
            raise SchemaError(f"it has tables of its own: {', '.join(sorted(map(str, found)))[:200]}")
        if "Settings" in tables:
            names = {name for (name,) in connection.execute("SELECT key FROM Settings").fetchall()}
            if not names <= settings_for(0).keys() | _NUMBERS_OF_ITS_OWN:
                raise SchemaError("it has settings of its own")
        connection.execute("ROLLBACK")
    finally:
        connection.close()
