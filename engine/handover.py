"""Gives one end of a connection to a child that Hearth starts.

On Linux and macOS a child inherits the socket under its number. Windows promises that for no socket, since one may
belong to a layer that a provider has put in; there the child reads a description of it, good for that process only,
from its standard input.
"""

import socket
import subprocess
import sys
from typing import Final

STANDARD_INPUT: Final = subprocess.PIPE if sys.platform == "win32" else subprocess.DEVNULL
"""What the child is started with."""


def inherited(*descriptors: int) -> tuple[int, ...]:
    """Which of these numbers the child is started with: all of them, or none on Windows."""
    return () if sys.platform == "win32" else descriptors


def hand_over(theirs: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    """Give a socket to a process that has just been started with `STANDARD_INPUT` and `inherited`.

    Raises:
        OSError: it has ended already.
    """
    if sys.platform == "win32":
        assert process.stdin is not None
        try:
            with process.stdin:
                process.stdin.write(theirs.share(process.pid))
        except OSError:
            process.kill()
            raise


def take(descriptor: str) -> socket.socket:
    """In the child: the socket that it was given.

    Args:
        descriptor: the number that the socket has where it was made.

    Raises:
        OSError: it was given none.
    """
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=int(descriptor))
