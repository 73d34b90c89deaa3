"""RawDisk: how diskcache reads and writes rows here: bytes inside the row, and nothing else.

Why its own: the library's ways unpickle what a row claims to be a pickle, and read and delete files that a row names,
outside of their folder too. Whoever can write into the cache could run code with them, or delete files.
"""

from pathlib import Path
from sqlite3 import Binary
from typing import Any

from diskcache import UNKNOWN, Disk

_MODE_RAW = 1


class RowRefusedError(Exception):
    """A row that Hearth has not written."""


class RawDisk(Disk):  # type: ignore[misc] # the library has no types
    """Keys and values are bytes within the row; a row that is anything else is refused, and no file is ever touched."""

    def put(self, key: Any) -> tuple[Binary, bool]:
        """Key as it is in a row, and that it is raw.

        Raises:
            TypeError: it is not bytes.
        """
        if type(key) is not bytes:
            raise TypeError(f"a key is bytes, not {type(key).__name__}")
        return Binary(key), True

    def get(self, key: Any, raw: Any) -> bytes:
        """Key of a row.

        Raises:
            RowRefusedError: it is no raw bytes.
        """
        if raw != 1 or not isinstance(key, bytes):
            raise RowRefusedError("its key is no raw bytes")
        return key

    def store(self, value: Any, read: Any, key: Any = UNKNOWN) -> tuple[int, int, None, Binary]:
        """Size of the file (none), mode, name of the file (none), and value as they are in a row.

        Raises:
            TypeError: it is not bytes.
        """
        if read or type(value) is not bytes:
            raise TypeError(f"a value is bytes, not {type(value).__name__}")
        return 0, _MODE_RAW, None, Binary(value)

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> bytes:
        """Value of a row.

        Raises:
            RowRefusedError: it is no raw bytes, or names a file.
        """
        if mode != _MODE_RAW or filename is not None or read or not isinstance(value, bytes):
            raise RowRefusedError("its value is not raw bytes within the row")
        return value

    def filename(self, key: Any = UNKNOWN, value: Any = UNKNOWN) -> tuple[str, Path]:
        """Never: values are within their rows.

        Raises:
            TypeError: always.
        """
        raise TypeError("no value has a file of its own")

    def remove(self, file_path: Any) -> None:
        """Leave the file alone: no row of ours has one, so the name is somebody else's."""
