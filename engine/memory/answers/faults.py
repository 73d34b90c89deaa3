"""What a failure of the database means: try later, no room, or damaged."""

import errno
import sqlite3
from enum import Enum, auto
from typing import Final

_BUSY: Final = (
    "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_INTERRUPT",
    "SQLITE_READONLY_DBMOVED",  # dropped by another process just now; it is looked for anew next time
)  # fmt: skip
_NO_ROOM: Final = ("SQLITE_FULL", "SQLITE_NOMEM")
_CLOSED: Final = (
    "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC",
    "SQLITE_IOERR_DIR_FSYNC", "SQLITE_IOERR_TRUNCATE", "SQLITE_IOERR_SHM", "SQLITE_IOERR_ACCESS", "SQLITE_IOERR_LOCK",
    "SQLITE_IOERR_RDLOCK", "SQLITE_IOERR_UNLOCK", "SQLITE_IOERR_DELETE", "SQLITE_IOERR_CLOSE", "SQLITE_IOERR_NOMEM",
)  # fmt: skip
_NO_ROOM_ERRORS: Final = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_IN_THE_WAY_ERRORS: Final = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})
"""Something else has the name of the folder or of the database."""


class Fault(Enum):
    """What is wrong."""

    BUSY = auto()  # another process has it just now
    NO_ROOM = auto()  # the disk is full
    CLOSED = auto()  # it may not be read or written, or the disk fails
    DAMAGED = auto()  # what it holds makes no sense


def fault_of(error: Exception) -> Fault:
    """What a failure means; whatever is not known to be something else means damage, since only that ends by itself."""
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", None) or _named_in(str(error))
        if name.startswith(_BUSY):
            return Fault.BUSY
        if name.startswith(_NO_ROOM):
            return Fault.NO_ROOM
        return Fault.CLOSED if name.startswith(_CLOSED) else Fault.DAMAGED
    if isinstance(error, OSError):
        if error.errno in _NO_ROOM_ERRORS:
            return Fault.NO_ROOM
        return Fault.DAMAGED if error.errno in _IN_THE_WAY_ERRORS else Fault.CLOSED
    return Fault.DAMAGED


def _named_in(text: str) -> str:
    """The library raises some errors itself, without a number."""
    known = {"database is locked": "SQLITE_BUSY", "database or disk is full": "SQLITE_FULL"}
    return known.get(text, "")
