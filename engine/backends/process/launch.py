"""Starts device processes."""

import socket
import subprocess
import sys
from collections.abc import Sequence

from engine.programs import NO_WINDOW, process_command


def command(worker: str, descriptor: int) -> list[str]:
    """The command that runs a worker (`module:class`)."""
    return process_command("--device-process", str(descriptor), worker)


def launch(worker: str, descriptors: Sequence[int] = ()) -> tuple["subprocess.Popen[bytes]", socket.socket]:
    """Start a worker; returns its process, and our end of the connection.

    Args:
        worker: `module:class`.
        descriptors: more of ours that it inherits; they keep their numbers.

    Raises:
        OSError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.set_inheritable(True)
        is_posix = sys.platform != "win32"
        try:
            process = subprocess.Popen(
                command(worker, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(), *descriptors) if is_posix else (),
                close_fds=is_posix,  # Windows hands over what is marked as inheritable, which is only this socket
                creationflags=NO_WINDOW,
                start_new_session=is_posix,  # Ctrl-C in a terminal is for Hearth, which ends its processes itself
            )
        except OSError:
            ours.close()
            raise
    return process, ours
