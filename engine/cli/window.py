"""`hearth` without a command: opens the window."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from engine.cli.display import has_display
from engine.cli.output import note
from engine.programs import is_frozen, module_command

if TYPE_CHECKING:
    from engine.cli.session import Session


def open_window(context: typer.Context, session: "Session") -> None:
    """Become the window's process, or say how to use Hearth where there is no display.

    An installed Hearth on Windows starts the window and ends, as a shell there does not wait for windows.
    """
    if not has_display():
        note("There is no display here, so the window stays closed. Try `hearth demo`.")
        typer.echo(context.get_help())
        return
    # The app is started by name: the engine does not know what is in it.
    if find_spec("app") is None:
        note("The window is not installed here. Try `hearth demo`, or `hearth --help`.")
        raise typer.Exit(1)
    folders = [part for folder in session.model_dirs for part in ("--model-dir", str(folder))]
    flags = {"--safe": session.is_safe, "--dev-plugins": session.is_development}
    files = ("--", *session.files) if session.files else ()
    command = module_command("app", *folders, *(flag for flag, is_set in flags.items() if is_set), *files)
    if sys.platform == "win32":  # there, exec returns to the shell at once
        if not is_frozen():
            raise typer.Exit(subprocess.call(command))
        nowhere = subprocess.DEVNULL
        subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)
        raise typer.Exit
    os.execv(command[0], command)
