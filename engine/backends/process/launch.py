"""Starts device processes."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MAIN: Final = "import sys; sys.path.insert(0, sys.argv[1]); from engine.backends.process.child import main; main()"


def command(worker: str, descriptor: int) -> list[str]:
    """The command that runs a worker (`module:class`).

    A frozen program starts itself; whoever makes one gives it `--device-process`, which calls `child.main`.
    """
    arguments = [str(descriptor), worker]
    if getattr(sys, "frozen", False):
        return [sys.executable, "--device-process", *arguments]
    root = str(Path(__file__).parents[3])
    return [sys.executable, "-X", "utf8", "-c", _MAIN, root, *arguments]


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
                start_new_session=is_posix,  # Ctrl-C in a terminal is for Hearth, which ends its processes itself
            )
        except OSError:
            ours.close()
            raise
    return process, ours
