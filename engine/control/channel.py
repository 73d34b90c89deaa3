"""A way between processes of one user: a Unix socket in a private folder, or a named pipe on Windows.

Only bytes cross (`send_bytes`, `recv_bytes`): nothing that arrives is ever unpickled.
"""

import os
import shutil
import sys
import tempfile
from multiprocessing import AuthenticationError, connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    Connection = connection.Connection[Any, Any]

WAITING: Final = 16
"""Connections that wait to be accepted."""
_LONGEST_FOLDER: Final = 70
"""A socket's path may have some 100 bytes; a longer temporary folder is left for the usual one."""


class Listening:
    """An end that others can connect to. Thread: one accepts, any closes."""

    def __init__(self) -> None:
        """Begin to listen.

        Raises:
            OSError: the system refuses.
        """
        self._folder: str | None = None
        address, family = None, "AF_PIPE"
        if sys.platform != "win32":
            place = tempfile.gettempdir()
            self._folder = tempfile.mkdtemp(prefix="hearth-", dir=place if len(place) < _LONGEST_FOLDER else "/tmp")
            address, family = str(Path(self._folder, "s")), "AF_UNIX"
        try:
            self._listener = connection.Listener(address, family, backlog=WAITING)
        except OSError:
            self._remove_folder()
            raise
        self.address = str(self._listener.address)

    def accept(self) -> "Connection":
        """Wait for somebody; nobody is known to be one of us before `welcome`.

        Raises:
            OSError: it was closed, or somebody left at once.
        """
        return self._listener.accept()

    def close(self) -> None:
        """Stop listening, and leave no file; whoever waits in `accept` goes on waiting."""
        self._listener.close()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def connect(address: str, timeout_s: float) -> "Connection":
    """Connect to who listens there.

    Args:
        address: as `Listening` has it.
        timeout_s: longest that connecting, and every later read and write, may take.

    Raises:
        FileNotFoundError, ConnectionRefusedError: nobody listens.
        OSError: it took too long, or the system refuses.
    """
    if sys.platform == "win32":
        return connection.Client(address, "AF_PIPE")
    import socket

    with socket.socket(socket.AF_UNIX) as ours:
        ours.settimeout(timeout_s)
        ours.connect(address)
        ours.settimeout(None)
        found: Connection = connection.Connection(ours.detach())
    limit(found, timeout_s)
    return found


def limit(found: "Connection", timeout_s: float) -> None:
    """Let every read and write of a connection fail with `OSError` after this, so that nobody can hold us.

    Windows' pipes deliver whole messages or none, and a wait for one is limited with `poll`.
    """
    if sys.platform == "win32":
        return
    import socket
    import struct

    value = struct.pack("ll", int(timeout_s), int(timeout_s % 1 * 1_000_000))
    with socket.socket(fileno=os.dup(found.fileno())) as same:  # the limits are the socket's, whoever refers to it
        same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def welcome(found: "Connection", key: bytes) -> None:
    """Let who connected show that it knows the key, and show it that we do.

    Raises:
        PermissionError: it does not.
        OSError: it left, or took too long.
    """
    _shake(found, key, (connection.deliver_challenge, connection.answer_challenge))


def introduce(found: "Connection", key: bytes) -> None:
    """The other side of `welcome`.

    Raises:
        PermissionError: whoever listens does not know the key.
        OSError: it left, or took too long.
    """
    _shake(found, key, (connection.answer_challenge, connection.deliver_challenge))


def _shake(found: "Connection", key: bytes, halves: tuple[Any, Any]) -> None:
    try:
        for half in halves:
            half(found, key)
    except (AuthenticationError, AssertionError, ValueError) as error:
        raise PermissionError("it does not know the key") from error
    except EOFError as error:
        raise ConnectionResetError("it left") from error
