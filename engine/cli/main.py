"""The program `hearth`: its commands, and the one place where errors become exit codes.

Exit codes: 0 success, 1 failure with one or two sentences on standard error, 2 wrong use, 130 Ctrl-C.
"""

import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from engine.build import build_info
from engine.cli import bench, cache, demo, devices, doctor, embed, models, plugins, ps, queue, recognize, run, task
from engine.cli.arguments import ForWindow, for_window, options_first
from engine.cli.logs import log_to_file
from engine.cli.output import PipeClosedError, note
from engine.cli.session import Session
from engine.cli.window import open_window
from engine.errors import EngineError, InvalidRequestError
from engine.portable import use_portable_home

log = logging.getLogger(__name__)

app = typer.Typer(
    name="hearth",
    help="Run AI models on this machine, offline. Without a command, opens the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("devices")(devices.devices)
app.command("run")(run.run)
app.command("recognize")(recognize.recognize)
app.command("embed")(embed.embed)
app.command("task", add_help_option=False, context_settings={"ignore_unknown_options": True})(task.task)
app.add_typer(models.app, name="models")
app.add_typer(plugins.app, name="plugins")
app.add_typer(queue.app, name="queue")
app.add_typer(ps.app, name="ps")
app.add_typer(cache.app, name="cache")
app.command("bench")(bench.bench)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Hearth {build_info().title or 'not installed'}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    model_dir: Annotated[
        list[Path] | None, typer.Option(help="Search this folder for models too; may be repeated.")
    ] = None,
    safe: Annotated[bool, typer.Option("--safe", help="Leave out the plugins that did not come with Hearth.")] = False,
    dev_plugins: Annotated[
        bool, typer.Option("--dev-plugins", help="Run plugins anew when their files change.")
    ] = False,
    portable: Annotated[
        bool, typer.Option("--portable", help="Keep all data in hearth-data beside the program, now and from now on.")
    ] = False,
    window: Annotated[
        bool, typer.Option("--window", help="Open the window, with the files that are named behind it.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run AI models on this machine, offline. Without a command, opens the window."""
    if not use_portable_home(portable) and portable:
        note("HEARTH_HOME names the data folder, so --portable changes nothing.")
    if window and context.invoked_subcommand is not None:
        raise InvalidRequestError("A command and --window do not go together.", "Leave one of them out.")
    files = context.obj.files if isinstance(context.obj, ForWindow) else ()
    folders = tuple(folder.expanduser() for folder in model_dir or ())
    title = f"hearth {context.invoked_subcommand}"
    context.obj = Session(folders, is_safe=safe, is_development=dev_plugins, title=title, files=files)
    if context.invoked_subcommand is None:
        open_window(context, context.obj)


def main() -> None:
    """Entry point of the program."""
    _prepare_streams()
    log_to_file()
    sys.exit(run_arguments(sys.argv[1:]))


def _prepare_streams() -> None:
    # A stream that the caller closed (`hearth ... >&-`) is None, which nobody else should have to think of.
    sys.stdin = sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY))
    sys.stdout = sys.stdout or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    sys.stderr = sys.stderr or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character still shows the rest


def run_arguments(arguments: list[str]) -> int | str | None:
    """Run one command; return its exit code. What `main` does, for a process that goes on afterwards."""
    try:
        known = {str(entry.name) for entry in app.registered_commands} | {str(g.name) for g in app.registered_groups}
        rest, files = for_window(options_first(arguments), known)
        app(rest, obj=files)
    except SystemExit as end:
        return end.code
    except PipeClosedError:
        return 0
    except EngineError as error:
        note(str(error))
        return 2 if isinstance(error, InvalidRequestError) else 1
    except OSError as error:
        log.exception("the system refused")
        note(f"The system refuses: {error}. See `hearth doctor` for folders and free space.")
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("HEARTH_DEBUG"):
            raise
        log.exception("a command failed")
        note(f"Hearth failed: {type(error).__name__}: {error}. Set HEARTH_DEBUG=1 to see where.")
        return 1
    return 0
