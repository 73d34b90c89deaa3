"""Starts the process of a plugin."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final, cast

from engine.handover import STANDARD_INPUT, hand_over, inherited
from engine.plugins.process.confinement import Confinement
from engine.programs import NO_WINDOW, process_command

_KEPT_VARIABLES: Final = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "SYSTEMDRIVE")
"""All that a plugin sees of the user's environment, where passwords and tokens may lie."""


def child_command(descriptor: int, confinement: Confinement) -> list[str]:
    """The command that runs the process of a plugin."""
    return process_command("--plugin-process", str(descriptor), confinement.to_json(), is_isolated=True)


def child_environment(scratch: Path) -> dict[str, str]:
    """The environment of the process of a plugin."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    folders = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "USERPROFILE"), str(scratch))
    # One thread: it runs beside models. It also keeps libraries from reserving memory per core.
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    return kept | folders | single | {"MALLOC_ARENA_MAX": "2", "TOKENIZERS_PARALLELISM": "false"}


def launch(confinement: Confinement) -> tuple["subprocess.Popen[bytes]", socket.socket, io.FileIO]:
    """Start the process; returns it, our end of the connection, and what it prints.

    Thread: one that lives as long as the process, because Linux ends it with the thread that started it.

    Raises:
        OSError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                child_command(theirs.fileno(), confinement),
                stdin=STANDARD_INPUT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=confinement.scratch,
                env=child_environment(Path(confinement.scratch)),
                pass_fds=inherited(theirs.fileno()),
                creationflags=NO_WINDOW,
                start_new_session=sys.platform != "win32",
            )
            hand_over(theirs, process)
        except OSError:
            ours.close()
            raise
    return process, ours, cast("io.FileIO", process.stdout)
