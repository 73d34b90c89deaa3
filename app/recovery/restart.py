"""Starting Hearth again once this process has ended everything."""

import atexit
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.programs import module_command

log = logging.getLogger(__name__)

_DETACHED: Final = 0x00000008 if sys.platform == "win32" else 0  # it outlives the console of this one


def safe_command(home: Path | None, model_dirs: Sequence[Path], theme: str | None) -> list[str]:
    """What starts the window in safe mode.

    Args:
        home: data folder; None for the usual one.
        model_dirs: more folders with models, that the command line named.
        theme: that the command line named; None for none.
    """
    arguments = ["--safe", *(("--home", str(home)) if home is not None else ())]
    for folder in model_dirs:
        arguments += ["--model-dir", str(folder)]
    return module_command("app", *arguments, *(("--theme", theme) if theme else ()))


def start_at_exit(command: Sequence[str]) -> None:
    """Start a program when this one has given everything back: the lock of the only window is free by then."""
    atexit.register(_start, tuple(command))


def _start(command: Sequence[str]) -> None:
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
            creationflags=_DETACHED,
        )
    except OSError as error:
        log.error("Hearth could not be started again: %s", error)
