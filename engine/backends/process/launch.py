"""Starts device processes."""

import socket
import subprocess
import sys
from collections.abc import Sequence

from engine.handover import STANDARD_INPUT, hand_over, inherited
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
        try:
            process = subprocess.Popen(
                command(worker, theirs.fileno()),
                stdin=STANDARD_INPUT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=inherited(theirs.fileno(), *descriptors),
                creationflags=NO_WINDOW,
                # Ctrl-C in a terminal is for Hearth, which ends its processes itself.
                start_new_session=sys.platform != "win32",
            )
            hand_over(theirs, process)
        except OSError:
            ours.close()
            raise
    return process, ours
