"""Runs a module of Hearth as a program, in a frozen one that has no interpreter to be asked: `hearth --module NAME`."""

import runpy
import sys
from collections.abc import Sequence
from typing import Final

_BELOW: Final = ("engine.bench.", "app.bench_")


def main(arguments: Sequence[str]) -> None:
    """Run it, as `python -m` would.

    Args:
        arguments: the module's name, and what it is to find in `sys.argv`.
    """
    name = arguments[0] if arguments else ""
    if not name.startswith(_BELOW):
        sys.exit(f"hearth: {name!r} is no module that Hearth runs as a program. See `hearth --help`.")
    sys.argv[1:] = arguments[1:]
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except ImportError as error:
        if error.name is not None and not name.startswith(error.name):
            raise
        sys.exit(f"hearth: this Hearth does not contain {name}. Run it from Hearth's sources.")
