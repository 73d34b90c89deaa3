"""Entry point of the program `hearth`: imports next to nothing, so that Ctrl-C is quiet from the first moment on."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from engine.programs import PROCESSES


def main() -> None:
    """Run a process of another kind if the first argument says so, else the command line.

    Importing that takes a third of a second, in which Ctrl-C must not end in a traceback.
    """
    module = PROCESSES.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if module is not None:
        process: Callable[[Sequence[str]], None] = import_module(module).main
        process(sys.argv[2:])
        return
    try:
        from engine.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
